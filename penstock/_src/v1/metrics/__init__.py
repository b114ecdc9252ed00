"""tf.compat.v1.metrics: values that add up over batches.

In: labels and predictions of a batch. Out: a pair of a value and an operation that updates it.
`streams.py` comes first: it makes the local variables and says how values come of them; each other file is a family of metrics.
"""
