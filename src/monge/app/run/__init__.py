"""The pages of the runs in a folder, and of what one trained generator draws."""
