"""`tf.vectorized_map`: turns a function of one row into operations on all rows.

In: a graph of one row. Out: each of its operations on stacked rows, or row by row if the op has no rule.
Read `loop.py` first. An op's class says that it is elementwise, or what becomes of each input (`inputs.py`); what takes more
than that is a rule in one of the other files, found by the name of the class in `rules.RULES`.
"""
