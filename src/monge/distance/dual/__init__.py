"""Dual potentials: families of Lipschitz functions, how they are fitted, and what constant is certified."""
