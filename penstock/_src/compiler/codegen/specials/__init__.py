"""Kernels of their own: nodes that are not loop nests. Their extents are run-time numbers, so each form is written once.

What comes in: a node whose arguments lie in memory. What goes out: a `SpecialLaunch` (special.py), which says what is launched
and writes its code. Read first: special.py, then random_bits.py. A new kernel is a file here and a row of table.py.
"""
