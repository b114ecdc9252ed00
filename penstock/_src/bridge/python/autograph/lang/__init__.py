"""Private modules of TensorFlow below `tensorflow.python.autograph.lang`."""
