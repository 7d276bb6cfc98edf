"""Divergences: of discrete laws, by discriminators, by nearest neighbours."""
