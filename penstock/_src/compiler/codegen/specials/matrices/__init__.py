"""Factorizations of matrices and triangular systems, for any number of rows: one code for a type.

They go by blocks of columns (Golub & Van Loan, "Matrix Computations", 3.2.11 and 4.2.9): a block is worked on by itself, and carried over to the
rest by a product (`blocks.py`), where nearly all of the work is.
"""
