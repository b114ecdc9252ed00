"""tf.queue, critical sections and functions that gather calls into batches."""
