"""Private modules of TensorFlow below `tensorflow.python.ops.structured`."""
