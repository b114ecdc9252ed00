"""Arithmetic: elementwise ops, comparisons, reductions, scans, segments, products, special functions.

Read unary.py first. A new op is a class in the file of its kind; its cases stand in
tests/ops/math/test_<file>.py.
"""
