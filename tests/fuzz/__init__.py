"""Fuzzing of all that monge reads: `python -m fuzz --minutes 60`, see `__main__.py`."""
