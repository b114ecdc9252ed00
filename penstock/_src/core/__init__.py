"""The basic classes: dtypes, shapes, tensors, the contract of an op, and dispatch.

Read `op.py` (the contract of an op), then `dispatch.py` (how a call reaches the current executor).

A host value is a NumPy array (ml_dtypes for bfloat16 and float8; strings are arrays of bytes), or the Python handle of a resource or variant. A
variable is a handle with an array: a read returns the array itself, an eager assignment replaces it, and a compiled program writes in place, but
first copies the array if anything else refers to it. So every read is a snapshot; a read while another thread's program writes into the array waits
for its end (`values/resources.py`, `WRITING`).
"""
