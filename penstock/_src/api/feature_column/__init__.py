"""tf.feature_column: converts columns of raw data to numeric tensors.

`base.py` has the kinds of columns; `numeric.py`, `categorical.py` and `dense.py` the columns; `layers.py` applies them to
features. A new column is a named tuple in the file of its kind.
"""
