"""Claims about divergences: what discriminators and their gradients do where supports do not meet."""
