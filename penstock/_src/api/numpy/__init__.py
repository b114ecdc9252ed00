"""tf.experimental.numpy: NumPy's functions on tensors, with NumPy's type promotion."""
