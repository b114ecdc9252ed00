"""tf.train: moving averages, and threads that stop together."""
