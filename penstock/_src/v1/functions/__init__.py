"""Tensor functions that exist only in TensorFlow 1, or differ from TensorFlow 2's by more than their parameters.

In: tensors, composite tensors, Python values, in TensorFlow 1's order. Out: calls of functions in `api/`, or of raw ops.
A file per subject, named as in `api/`; `arrays.py` is a good first one.
"""
