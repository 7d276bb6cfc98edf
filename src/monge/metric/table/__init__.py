"""Figures of synthetic tables: functions of a schema, real rows and synthetic rows, all of them raw."""
