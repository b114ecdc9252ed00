"""Elementwise code.

What comes in: an operation, and its operands in registers. What goes out: the register of its result. Read first: registers.py (how values
of each dtype lie in registers, narrow floats as float, complex numbers as pairs), then operations.py, the table; math32.py and
math64.py have functions by polynomials, complexes.py those of pairs. A new operation is a function and a row of the table.
"""
