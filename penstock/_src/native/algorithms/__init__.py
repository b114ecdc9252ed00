"""Native algorithms with sequential steps over arrays of the host: for ops that no program computes.

In: NumPy arrays. Out: what the function writes into further arrays. Each file has the builtin of one algorithm; `ops/` says what
it means, and computes it in Python where the system runs no native code. Read `edits.py` first.
"""
