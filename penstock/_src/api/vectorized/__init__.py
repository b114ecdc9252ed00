"""`tf.vectorized_map`: a function of one row becomes operations on all rows.

In: a graph of one row. Out: for each of its operations the same on stacked rows, by a rule for its kind, or row by row where there is none.
Read `loop.py` first; rules stand by kinds in the other files, and are found in `rules.RULES`.
"""
