"""Requests and replies of the two protocols, as bytes.

In: arrays for a signature. Out: a `Call` to send, and arrays from the reply. `base.py` has the records, `rest.py` and `grpc.py` a class each.
"""
