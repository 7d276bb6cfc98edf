"""Claims of the theory, in five rooms beside a small framework; comparisons of objectives."""
