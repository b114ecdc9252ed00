"""Kernels of contractions: matrix products, convolutions and their gradients, and any other einsum.

In: a frozen description (a Gemm, a Convolution, ...) made from a node by recognize/contractions. Out: a KernelCode (codegen/kernel_code.py),
one for equal descriptions and epilogues, for all sizes. Read emit.py first, then tile.py (the common inner loop), products/schedule.py and
images/schedule.py.

A family of kernels consists of a description, a function `choose(description, target, threads, ...)`, which returns a schedule (a frozen record
that can be printed, compared and tested without emitting), and an emitter that writes the kernel of a schedule and decides nothing. A new family
needs these three, a row in emit.py's table, and a case in tests/compiler/codegen/contraction/. Sums are computed in a fixed order: results have the
same bits in every run.

Narrow types. bfloat16 is multiplied in pairs by the CPU's dot products (`codegen/contraction/products/pairs.py`) and summed in float32. int8 is
multiplied in groups of four, or widened to 16 bits and multiplied in pairs (`codegen/contraction/dots.py` lists the instructions of each processor),
and summed exactly in int32. Images of int8 are copied with their border before they are convolved, so that any run of neighboring channels and taps
can be multiplied together. Operands that are widened only for the product are read in their narrow type, and a zero point is subtracted from sums, not
from elements (`recognize/contractions/widening.py`). float16 is converted while it is packed. bfloat16 registers contain floats that are rounded after
every operation, as in TensorFlow; a product's own sum is not rounded before its epilogue. Ops that add up many elements (means, softmax, norms,
pooling) have `Values(in_float32=True)` in their class: narrow inputs are cast before their `lower` and results rounded after it.
"""
