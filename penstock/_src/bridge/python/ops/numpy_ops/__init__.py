"""NumPy's functions on tensors, under TensorFlow's private names."""
