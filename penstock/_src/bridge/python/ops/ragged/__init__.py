"""Private modules of `tensorflow.python.ops.ragged`."""
