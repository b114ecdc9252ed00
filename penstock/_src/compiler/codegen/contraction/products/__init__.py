"""Matrix products.

In: a Gemm (description.py). Out: a KernelCode. Read schedule.py first, the division of the work as a record; then choice.py, which
chooses it, emit.py, the facts that a launch needs, and kernel.py, which writes the kernel of a schedule (tiles.py, packing.py)
if it is not in the cache.

    frame.py      addresses and extents that every function of a kernel loads first
    gathered.py   operands with borders or mixed axes, read element by element; gathered_packing.py copies them to panels
    pairs.py      narrow types by the CPU's dot products of two or four neighbors
    matrix_registers.py  the registers of AMX, which hold 16 x 16 sums of such; matrix_packing.py packs rows for them
"""
