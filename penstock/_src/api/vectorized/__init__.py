"""`tf.vectorized_map`: a function of one row becomes operations on all rows.

In: a graph of one row. Out: for each of its operations the same on stacked rows, or row by row where the op does not say how.
Read `loop.py` first. An op's class says that it is elementwise, or what becomes of each input (`inputs.py`); what takes more
than that is a rule in one of the other files, found by the name of the class in `rules.RULES`.
"""
