"""Trainings in the plane that one can watch, stop, change and break while they go on."""
