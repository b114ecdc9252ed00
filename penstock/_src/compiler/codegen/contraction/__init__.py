"""Contractions as kernels: matrix products, convolutions and their gradients, and any other einsum.

What comes in: an ir `contract` node over views.  match.py says what it is (a `Gemm`, a `Convolution`, ...: frozen
descriptions whose run-time extents are numbered Args); the emitters turn a description and hooks into a KernelCode
(codegen/kernel_code.py).  Read first: match.py, then tile.py (the one inner loop) and gemm.py.
"""
