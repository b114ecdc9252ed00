"""tf.data.experimental, and the datasets of tf.compat.v1."""
