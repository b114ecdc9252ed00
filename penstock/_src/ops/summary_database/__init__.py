"""Summaries in an SQLite database instead of event files.

`database.py` fills TensorFlow's tables from the events that summary ops write; `writers.py` has the ops.
"""
