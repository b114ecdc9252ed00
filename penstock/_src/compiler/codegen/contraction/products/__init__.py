"""Matrix products.

What comes in: a Gemm (description.py). What goes out: a KernelCode. Read first: schedule.py, the record of how the work is cut; then
choice.py, which chooses it, emit.py, what a launch needs of it, and kernel.py, which writes the kernel of a schedule (tiles.py, packing.py)
if it is not in the cache.

    frame.py      what every function of a kernel loads first
    gathered.py   operands with borders or mixed axes, read element by element
    pairs.py      narrow numbers by the CPU's dot products of two or four neighbors
"""
