"""Primitives -> kernels.

partition.py decides what has memory and what is computed where it is wanted; units.py merges what runs over one space;
inline.py writes nodes as values (values.py) over loop variables and index arithmetic (index.py), the loop nests of
loops.py; blocks.py says which parts of a node a nest writes, contraction.py, sums.py and reductions.py what joins
those; memory_plan.py where values lie.
Read first: partition.py, then inline.py. A new kind of node that folds into loop nests is one `@rule` in inline.py.
"""
