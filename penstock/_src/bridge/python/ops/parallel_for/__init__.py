"""Private modules of TensorFlow below `tensorflow.python.ops.parallel_for`."""
