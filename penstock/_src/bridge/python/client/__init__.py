"""`tensorflow.python.client`: devices, and reports about runs of sessions."""
