"""The nouns: types, shapes, tensors, the contract of an operation, and the dispatch that runs one.

Read `op.py` (what an operation answers), then `dispatch.py` (how a call finds the current executor).
"""
