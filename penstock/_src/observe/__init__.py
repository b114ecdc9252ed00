"""Seeing what a program does: tf.summary with its event files, and the profiler."""
