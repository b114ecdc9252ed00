"""Kernels as data: what fusion/ makes, codegen/ writes code for and plan/ launches.

kernel.py has the kinds of kernels; a loop nest (loop_nest.py) computes values (values.py) over loop variables and index
arithmetic (index.py). inline.py writes nodes as values; stored_blocks.py says which parts of a node a nest writes, contraction.py
what is computed on register tiles, reductions.py how reductions are cut.
Read first: kernel.py, then inline.py. A new kind of node that folds into loop nests is one `@rule` in inline.py.
"""
