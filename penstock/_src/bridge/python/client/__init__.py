"""`tensorflow.python.client`: devices, and what is told of runs of sessions."""
