"""Figures of a generator or of two sample sets, and the samples that they rest on."""
