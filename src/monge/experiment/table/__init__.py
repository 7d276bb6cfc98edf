"""Synthetic tables: the generator against simpler models."""
