"""`tensorflow.python.debug`: the debuggers of sessions, which Penstock does not have."""
