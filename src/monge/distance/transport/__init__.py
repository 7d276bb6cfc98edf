"""Optimal transport between samples: exact, on a line, sliced, regularised."""
