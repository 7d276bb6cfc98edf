"""Divergences: of discrete distributions, by discriminators, by nearest neighbours."""
