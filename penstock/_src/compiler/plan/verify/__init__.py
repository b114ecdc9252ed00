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

Proofs (under `PENSTOCK_VERIFY=1` and in all tests). A fusion is allowed only if the kernels that it makes keep these rules, and each plan is held to
them before it runs:

- *Stores*: the offsets at which a node's kernels store, over the loops of each store, are its elements, each once. A store stands in no loop but its
  own that may have no rounds.
- *Cells*: what is computed on a contraction's tiles is as many rows of as many columns as the tiles are, reads the contraction at its own cell only,
  and the element of a summed array at a cell belongs to the sum at the cell's column. Sizes that agree prove nothing: a reshape may stand between.
  Extents that agree by value only (a batch that happens to be the width) count as different.
- *Bounds*: an index that is divided lies within the bounds that it is taken to have, at each point of its loops, guarded or not. Where it may be
  negative it is divided with rounding down.
- *Reads*: a load lies within its array wherever its guard holds, for every number that an index may be clamped to. An array without elements is not
  read: what a loop without rounds does not need may be computed before it.
- *Lanes*: nothing that a lane writes is read or written in a lane beside it.
- *Order*: in the order of launches (of a loop, through two rounds) each byte that is read was last written as part of the buffer that is read; a
  result that lies over something its kernel reads is stored where that is read, or in the round of the outer loops that read it before.

Indices that are row-major over their loops are proved for every size, as Dims are compared by expression; others by all points for the sizes at hand,
or by a sample if there are more than 65,536. What numbers come out is not looked at: that is for the interpreter of scheduled kernels
(`plan/verify/simulate.py`), which computes them in NumPy without LLVM, and for `PENSTOCK_CHECK`.
"""
