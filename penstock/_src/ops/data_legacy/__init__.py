"""Dataset ops under older names, and ops that tf.data no longer creates but saved graphs may contain."""
