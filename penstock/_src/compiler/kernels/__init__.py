"""Kernels as data: what fusion/ makes, codegen/ writes code for and plan/ launches.

What comes in: nodes, and which of them lie in memory. What goes out: kernels, frozen.

    kernel.py          the kinds of kernels; contraction.py: what is computed on register tiles; reductions.py: nests of reductions
    loop_nest.py       loops over a space, and what is stored at each of its points
    values.py          the expressions that are stored; index.py: index arithmetic over loop variables
    inline.py          nodes written as values; stored_blocks.py: which parts of a node a nest stores
    memory.py          where nodes lie; views.py: operands as index maps over arrays in memory
    attention.py       an attention, forward and backward, as one kernel each

Read first: kernel.py, then inline.py. A new kind of node that folds into loop nests is one `@rule` in inline.py, a new kind of kernel
a class here and a launcher in plan/launchers.
"""
