"""Claims of the theory that a command shows: one file for each."""
