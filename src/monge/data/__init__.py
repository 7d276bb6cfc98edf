"""Data sets: opened by name, split, encoded; the space says what one sample is."""
