"""Factorizations of matrices and triangular systems, for any number of rows: one code for a type.

They process blocks of columns (Golub & Van Loan, "Matrix Computations", 3.2.11 and 4.2.9): a block is factorized alone, then a product
(`blocks.py`), which does nearly all of the work, updates the remaining columns.
"""
