"""The classes of operators: a file for each structure.

A class has `_matmul`, `_shape` and overrides for everything that its structure makes faster than a dense matrix. What it does with others
(products, inverses) are rules in `../rules.py`.
"""
