"""The local web page: the lab, and pages to explore runs, models and distances."""
