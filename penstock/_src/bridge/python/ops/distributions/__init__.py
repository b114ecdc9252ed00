"""Private modules of `tensorflow.python.ops.distributions`."""
