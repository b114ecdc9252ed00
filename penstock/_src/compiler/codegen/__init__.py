"""Kernels -> LLVM IR.

scalars/      how values of each dtype lie in registers, and the code of every elementwise operation
nests/        loop nests: which loops go by vectors, where each value is computed, reductions, loads and stores
contraction/  matrix products, convolutions and their gradients; kernel_code.py is what they give back
specials/     kinds with emitters of their own: random bits, running results, sorting, scatter

A new elementwise operation is a function in scalars/operations.py; a new kind of node that is no loop nest is a file in
specials/ and its launches in compiler/plan/launchers/specials.py.
"""
