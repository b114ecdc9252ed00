"""Contractions on a card. Read first: products.py.

products.py          products by tiles in shared memory
tensor_products.py   those of 16-bit floats, by tensor cores
matrices.py          the instructions by which warps load and multiply matrices
depthwise.py         depthwise convolutions and the gradients of their filters
epilogue.py          what is computed on a thread's sums
"""
