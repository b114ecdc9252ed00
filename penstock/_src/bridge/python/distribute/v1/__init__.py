"""`tensorflow.python.distribute.v1`: what strategies have for programs of TensorFlow 1 alone."""
