"""Libraries that carry values between processes: a file each, and a row of `table.py`."""
