"""Private modules of TensorFlow below `tensorflow.python.autograph.pyct.common_transformers`."""
