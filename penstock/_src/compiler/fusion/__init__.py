"""Which nodes become one kernel.

What comes in: a function of primitives and what recognize/ found in it. What goes out: a `Partition`: kernels in order, and what they
store.
Read first: partition.py, which decides what has memory and what is computed where it is wanted; then merge.py, which joins
kernels over one space. column_sums.py adds up on a contraction's tiles what it stores; costs.py weighs nodes.
"""
