"""The page of a comparison: its sections, and how they become HTML, Markdown and CSV."""
