"""The raw ops of tf.data.

Read pipeline.py first: a dataset op makes a `Pipeline`, the host value of a variant tensor; iterating a pipeline yields
elements as tuples of host values.

A new source goes to source.py or files.py, a new transformation beside those of its kind.
"""
