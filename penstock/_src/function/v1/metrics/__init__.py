"""tf.compat.v1.metrics: values that add up over batches, as (value, update operation) of a graph.

`streams.py` makes the local variables and says how values come of them; each other file is a family.
"""
