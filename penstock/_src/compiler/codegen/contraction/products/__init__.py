"""Matrix products.

What comes in: a Gemm (description.py). What goes out: a KernelCode. Read first: schedule.py, the cut into blocks and tiles; then kernel.py
(tasks and tiles) and packing.py (panels).

    gathered.py   operands with borders or mixed axes, read element by element
    pairs.py      narrow numbers by the CPU's dot products of two or four neighbors
"""
