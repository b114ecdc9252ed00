"""tf.sparse and tf.sets: tensors given by the entries that are not zero."""
