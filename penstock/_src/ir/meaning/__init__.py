"""The meaning of each kind of node.

arrays.py        in NumPy, with scalars.py, random_streams.py and others: the reference for native code. A new kind needs a function there
known_values.py  values known before the program runs, as numbers and expressions
ranges.py        the least and the largest value
"""
