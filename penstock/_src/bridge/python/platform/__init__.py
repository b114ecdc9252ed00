"""Private modules of `tensorflow.python.platform`."""
