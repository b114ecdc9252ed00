"""tf.feature_column: how columns of raw data become numbers.

`base.py` has the kinds of columns; `numeric.py`, `categorical.py` and `dense.py` the columns; and
`layers.py` what applies them to features. A new column is a named tuple in the file of its kind.
"""
