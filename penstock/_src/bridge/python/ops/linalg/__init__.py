"""Private modules of `tensorflow.python.ops.linalg`."""
