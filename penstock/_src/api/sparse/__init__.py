"""tf.sparse and tf.sets: tensors given by their non-zero entries."""
