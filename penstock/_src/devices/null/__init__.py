"""The null device runs nothing. Read device.py."""
