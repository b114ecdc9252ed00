"""Functions of tensors that TensorFlow 1 has and TensorFlow 2 has not, or that differ by more than their arguments.

In: tensors, composite tensors, Python values, in TensorFlow 1's order. Out: calls of functions in `api/`, or of raw ops.
A file per subject, named as in `api/`; `arrays.py` is a good first one.
"""
