"""Functions that differ from TensorFlow 2 only by their parameters: names, order, defaults.

In: rows. Out: functions of `tf.compat.v1`. Read `table.py` first: a row per function; `rows.py` makes the functions. `arguments.py`
takes the one of two names under which an argument may come, for the functions written by hand; `declared.py` makes families of
functions that differ by their parameters.
"""
