"""A generator inside the page of its run, which draws new samples from it."""
