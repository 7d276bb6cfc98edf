"""Claims about critics: clipping, penalties, momentum, overfitting."""
