"""Verifies the kernels of a plan before it runs, under `PENSTOCK_VERIFY=1` and in all tests. Start in kernels.py.

    stores.py   kernels store each element exactly once
    reads.py    every load is within its buffer
    ranges.py   a divided index is within the bounds that the code relies on
    tiles.py    epilogues compute the elements of a contraction's register tiles; sums reach the right columns
    order.py    nothing is read before it is written, or after it was overwritten; overlap.py: in-place outputs
    states.py   no old state of a loop is read after its next value was stored over it
    domain.py   points of loops, and indices over them

A fusion is allowed only if its kernels keep these rules. A kernel that breaks one raises an InternalError with the kernel, the buffer and the
index; such a fusion must be refused where it is chosen (fusion/).

- *Stores*: the offsets at which a node's kernels store, over the loops of each store, are the node's elements, each once. No loop around a store that
  is not one of its own may be empty.
- *Cells*: an epilogue has the rows and columns of the contraction's tiles, reads the contraction at its own cell only, and adds the element of a
  summed array at a cell to the sum of the cell's column. Equal sizes prove nothing, as a reshape may be in between. Extents that are equal only by
  value (a batch that happens to be the width) count as different.
- *Bounds*: a divided index is within its stated bounds at each point of its loops, even where a guard does not hold. If it may be negative, the
  division rounds down.
- *Reads*: a load is within its array wherever its guard holds, for every number to which an index may be clamped. Arrays without elements are never
  loaded: values that only an empty loop needs may be computed before the loop.
- *Streams*: a buffer that one stream writes is neither read nor written by another stream of the section.
- *Order*: in the order of launches (for loops, over two rounds) each byte that is read was last written as part of the buffer that is read. A
  result that overwrites an input of its kernel is stored at the element that is read, or in the same round of the outer loops as the read.
- *States*: a state of a loop and its next value may have one buffer. Where a kernel stores there, no later kernel reads the old state; if an array is
  copied there first, in which the kernel replaces a block, the kernel itself does not either.

Indices that are row-major over their loops are proved for every size, as Dims are compared by expression. Others are evaluated at all points for the
current sizes, or at a sample of them if there are more than 65,536. Values are not verified here, but by the interpreter of scheduled kernels
(`plan/verify/simulate.py`), which computes them in NumPy without LLVM, and by `PENSTOCK_CHECK`.
"""
