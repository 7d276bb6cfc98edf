"""Two files, or names of data, and how far apart they are: what `monge distance` does, as a page."""
