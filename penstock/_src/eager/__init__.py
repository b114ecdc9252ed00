"""Eager execution: tensors that hold their values, the executor that runs an op now, variables.

Read `execute.py` first: it is the path of every eager op.
"""
