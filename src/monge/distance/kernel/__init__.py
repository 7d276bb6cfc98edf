"""Kernels, the discrepancies and witnesses that they give, and the permutation test."""
