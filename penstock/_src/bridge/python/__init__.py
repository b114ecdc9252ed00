"""Private modules of TensorFlow, at the paths they have below `tensorflow.python`."""
