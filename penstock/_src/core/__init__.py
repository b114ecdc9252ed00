"""The basic classes: dtypes, shapes, tensors, the contract of an op, and dispatch.

Read `op.py` (the contract of an op), then `dispatch.py` (how a call reaches the current executor).
"""
