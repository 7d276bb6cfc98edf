"""Trained networks: built from a config, loaded from a run, sampled."""
