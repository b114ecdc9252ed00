"""The raw ops of tf.data.

Read pipeline.py first: a dataset op makes a `Pipeline`, the host value of a variant tensor; iterating a pipeline yields
elements as tuples of host values.

A new source goes to source.py or files.py, a new transformation beside those of its kind.

Positions of iterators. Steps of a pipeline save where they are, with what they hold, and go on from there (`ops/data/iteration/resume.py`).
"""
