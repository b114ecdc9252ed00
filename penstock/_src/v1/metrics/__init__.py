"""tf.compat.v1.metrics: values accumulated over batches.

In: labels and predictions of a batch. Out: a pair of a value and an operation that updates it.
Read `streams.py` first: it has the local variables and `@metric`, which makes a function public with the common
arguments. Each other file is a family of metrics.
"""
