"""Private modules of TensorFlow below `tensorflow.python.distribute.cluster_resolver`."""
