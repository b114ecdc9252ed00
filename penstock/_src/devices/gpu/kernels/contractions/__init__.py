"""Contractions on a GPU. Read first: schedule.py, then products.py.

schedule.py          the choice for a product, as a record: the facts that launches need
writer.py            the common part of the kernels of all products
products.py          products by tiles in shared memory
tensor_products.py   those that tensor cores multiply; access.py: which neighbors of an operand are moved together
warpgroup_products.py   those that warpgroups multiply, on sm_90a: the rule which; warpgroups.py: the instructions
thin_products.py        those of a few rows, whose matrix is read once
split.py             a large depth divided into parts, which are added up in order
matrices.py          the instructions by which warps load and multiply matrices
depthwise.py         depthwise convolutions and the gradients of their filters
epilogue.py          the epilogue on a thread's sums
"""
