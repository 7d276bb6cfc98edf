"""Tables: their files and their columns."""
