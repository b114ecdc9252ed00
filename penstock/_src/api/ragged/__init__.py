"""tf.ragged: tensors whose rows have different lengths."""
