"""The HTML report of a run: one self-contained page that says in plain words how far the generator is from the data."""

from monge.report.page import write_report

__all__ = ["write_report"]
