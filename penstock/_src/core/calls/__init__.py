"""Binds the arguments of a call to a complete op.

`signature.py` parses the one-line signatures of ops, `attributes.py` converts attributes, `binding.py` infers dtypes and
converts arguments to tensors.
"""
