"""Elementwise code.

In: an operation, and its operands in registers. Out: the register of its result. Read registers.py first (the registers of each dtype: narrow floats
are floats, complex numbers pairs), then operations.py, the table; math32.py and math64.py have functions by polynomials, complexes.py
those of pairs. A new operation is a function and a row of the table.
"""
