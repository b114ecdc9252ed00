"""Contractions as kernels: matrix products, convolutions and their gradients, and any other einsum.

What comes in: an ir `contract` node over views.

    found = match(node, is_source)          None: no kernel of this folder; a loop nest computes it (sums along memory
                                            of vectors, results whose last axis both operands have, complex numbers)
    found.left, found.right, found.sizes    nodes whose memory is read (in the kernel's order), and run-time extents
    found.key                               equal keys and equal hooks: one kernel, whatever the sizes
    found.emit(target, threads, epilogue, output) -> KernelCode
    found.columns                           how many of the output's last axes a Tile's column runs over

What goes out: a KernelCode (codegen/kernel_code.py).  Read first: match.py, views.py (operands as index maps), then
tile.py (the one inner loop), products/schedule.py and images/conv.py.  A new schedule is a frozen description, an emitter, a row in
match.py's table, and a case in tests/compiler/codegen/.  Sums are in a fixed order: the same bits in every run.
"""
