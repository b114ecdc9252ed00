"""PENSTOCK_VERIFY: proofs about the kernels of a plan, made before anything runs. Start in kernels.py.

    stores.py   what a kernel stores, its loops store exactly once
    reads.py    every read lies within its buffer
    tiles.py    what is computed on a contraction's register tiles belongs to their cells; sums reach the right columns
    order.py    nothing is read before it is written, or after something else was written over it
    domain.py   points of loops, and indices over them

A rule is shown for every size where index arithmetic can (affine forms over loop variables, extents compared by
expression); else by going through all points for the sizes at hand, up to a bound, and through a sample beyond it.
Whatever fails raises an InternalError that names the kernel, the buffer and the index. A fusion that cannot keep these
rules must be refused where it is chosen (fusion/); nothing here mends it.
"""
