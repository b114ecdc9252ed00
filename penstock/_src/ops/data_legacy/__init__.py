"""Dataset ops under older names, and ops that tf.data no longer makes but graphs may hold."""
