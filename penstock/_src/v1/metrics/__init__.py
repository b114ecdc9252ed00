"""tf.compat.v1.metrics: values that add up over batches.

In: labels and predictions of a batch. Out: a pair of a value and an operation that updates it.
`streams.py` comes first: `@metric` makes a function public with the arguments that all have, and the local variables stand there; each
other file is a family of metrics.
"""
