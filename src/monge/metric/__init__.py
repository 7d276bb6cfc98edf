"""Quality of a generated set: functions of a real and a generated array of features."""
