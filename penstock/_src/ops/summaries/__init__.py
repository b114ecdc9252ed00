"""Summaries for TensorBoard: scalars, histograms, images and sounds.

`summary.py` has ops and writers of event files, `media_summary.py` images and sounds. Writers to an SQLite database instead: `database.py`
fills TensorFlow's tables from the events that summary ops write; `writers.py` has the ops.
"""
