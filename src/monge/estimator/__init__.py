"""Generators as scikit-learn estimators: of vectors, and of tables."""
