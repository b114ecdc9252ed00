"""Observability: tf.summary with its event files, and the profiler."""
