"""Special kernels, for nodes that are not loop nests. Their extents are run-time numbers, so each form is written once.

In: a node whose arguments are stored. Out: a `SpecialLaunch` (special.py), which describes the launch and writes its code. Read
special.py first, then random_bits.py. A new kernel is a file here and a row of table.py.
"""
