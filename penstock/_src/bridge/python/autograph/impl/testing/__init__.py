"""Private modules of TensorFlow below `tensorflow.python.autograph.impl.testing`."""
