"""Observability: tf.summary with its event files (summaries.py, writer.py), and the profiler (profiler.py)."""
