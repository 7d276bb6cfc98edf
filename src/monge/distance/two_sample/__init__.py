"""Several tests of whether two samples come from one distribution, and one answer from all of them."""
