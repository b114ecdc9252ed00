"""Contractions as kernels: matrix products, convolutions and their gradients, and any other einsum.

What comes in: a frozen description (a Gemm, a Convolution, ...) that recognize/contractions found a node to be. What goes out: a
KernelCode (codegen/kernel_code.py). Equal descriptions and equal epilogues: one kernel, whatever the sizes.
A family of kernels is three things: the description, `choose(description, target, threads, ...)`, which gives a schedule (a frozen record
that can be printed, compared and tested without emitting), and an emitter that writes the kernel of a schedule and decides nothing.
Read first: emit.py, then tile.py (the one inner loop), products/schedule.py and images/schedule.py.  A new family is those three, a row in
emit.py's table, and a case in tests/compiler/codegen/contraction/.  Sums are in a fixed order: the same bits in every run.

Narrow numbers. bfloat16 is multiplied in pairs by the CPU's dot products (`codegen/contraction/products/pairs.py`) and summed in float32; int8 in
fours, or widened to 16 bits in pairs (`codegen/contraction/dots.py` says which processor has what), and summed in int32: exactly. Images of int8 are
copied with their border before they are convolved, so that any run of neighboring channels and taps can be multiplied together. What is widened only
to be multiplied is read as it is, and a number that stands for 0 is subtracted from sums, not from elements (`recognize/contractions/widening.py`).
float16 is converted while it is packed. bfloat16 registers hold floats that are rounded after every operation, as TensorFlow rounds; a product's own
sum is not rounded before its epilogue. Ops that add up many elements (means, softmax, norms, pooling) have `Values(in_float32=True)` in their class: narrow inputs
are cast before their `lower` and results rounded after it.
"""
