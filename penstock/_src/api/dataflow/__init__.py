"""tf.queue, critical sections and functions that batch concurrent calls."""
