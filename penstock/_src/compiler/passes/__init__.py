"""Passes over a Function of primitives.

What comes in and goes out: a Function. Read first: simplify.py, then loops/. A new pass is a file here and a line in
pipeline.py; what a single rule can say is a row of ir/rules instead, applied as nodes are made.
"""
