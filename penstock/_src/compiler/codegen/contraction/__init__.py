"""Contractions as kernels: matrix products, convolutions and their gradients, and any other einsum.

What comes in: a frozen description (a Gemm, a Convolution, ...) that recognize/contractions found a node to be. What goes out: a
KernelCode (codegen/kernel_code.py). Equal descriptions and equal epilogues: one kernel, whatever the sizes.
A family of kernels is three things: the description, `choose(description, target, threads, ...)`, which gives a schedule (a frozen record
that can be printed, compared and tested without emitting), and an emitter that writes the kernel of a schedule and decides nothing.
Read first: emit.py, then tile.py (the one inner loop), products/schedule.py and images/schedule.py.  A new family is those three, a row in
emit.py's table, and a case in tests/compiler/codegen/contraction/.  Sums are in a fixed order: the same bits in every run.
"""
