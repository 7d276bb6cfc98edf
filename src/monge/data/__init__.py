"""Data: arrays, image folders and toy laws, as data sets that the training loop and the metrics can draw from."""
