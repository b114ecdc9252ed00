"""Special functions as primitives: those of special_functions.py that programs compute themselves, in double precision.

What comes in: a builder and float64 nodes of one shape, and `narrow` if single precision will do. What goes out: a float64 node.
Read gamma_parts.py first. Loops are recurrences (`p.iterate`): each vector of elements makes as many steps as its slowest element needs.
"""
