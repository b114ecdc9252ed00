"""Creating, moving and selecting elements: shapes, slices, gathers, padding.

Read shape.py first. A new op is a class in the file of its kind; its cases stand in
tests/ops/array/test_<file>.py.
"""
