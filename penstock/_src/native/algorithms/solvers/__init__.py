"""Solutions of linear systems whose matrices are triangles or bands.

In: contiguous right-hand sides, which become the solutions; matrices as the functions say. Read triangular.py first.
"""
