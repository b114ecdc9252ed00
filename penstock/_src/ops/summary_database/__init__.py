"""Summaries in an SQLite database instead of event files.

`database.py` keeps TensorFlow's tables, by the events that summary ops write; `writers.py` has the ops.
"""
