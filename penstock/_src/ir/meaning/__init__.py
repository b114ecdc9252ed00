"""The meaning of nodes, beyond what a class of ir/primitives/ says in a few lines.

scalars.py       functions of elements in NumPy; random_streams.py, packed.py, trees.py and others are longer algorithms of one kind
known_values.py  values known before the program runs, as numbers and expressions
ranges.py        the least and the largest value, by the rules of the kinds; intervals.py has their arithmetic
rows.py          the axis of a batch's rows, by the rules of the kinds, where no row depends on others
padding.py       when a padded copy of an array pays
"""
