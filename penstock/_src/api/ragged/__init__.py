"""tf.ragged: tensors with rows of different lengths."""
