"""Kernels as data: made by fusion/, translated to code by codegen/ and launched by plan/.

In: nodes, and the set of those that are stored in memory. Out: frozen kernels.

    kernel.py          the kinds of kernels; contraction.py: epilogues on register tiles; reductions.py: nests of reductions
    loop_nest.py       loops over a space, and the stores at each of its points
    values.py          the expressions that are stored; index.py: index arithmetic over loop variables
    inline.py          converts nodes to values; stored_blocks.py: the part of a node that a nest stores
    memory.py          the memory of nodes; views.py: operands as index maps over arrays in memory
    attention.py       an attention, forward and backward, as one kernel each

Read first: kernel.py, then inline.py. A new kind of node that folds into loop nests is one `@rule` in inline.py, a new kind of kernel
a class here and a launcher in plan/launchers.
"""
