"""Ops that parse records into tensors.

Read example.py first: examples; sequence.py is for those with features by step. columns.py and sequence_columns.py read a batch
by native code, each.py the features that are parsed one by one for a group of examples.
"""
