"""Fusion: selects the nodes that become one kernel.

What comes in: a function and what recognize/ found in it (`Recognized`). What goes out: a `Schedule`: kernels in launch order.

    partition.py   Recognized -> Partition     what is stored (storing.py, costs.py) and the groups (groups.py) that store it
    merge.py       Partition  -> Partition     groups over one space become one; column_sums.py adds up on a contraction's tiles
    schedule.py    Partition  -> Schedule      each group written as kernels (kernels/); lane_sections.py says which run side by side

Read first: partition.py, then storing.py. Another reason to store a node goes to storing.py, another way to join groups to merge.py.

A kernel is a loop nest, a contraction with what is computed before and after it, an attention, or a special kind (scatter, sort, scan, Fourier
transform, random bits). Elementwise values and movements are computed again in every consumer unless storing pays. Convolutions of 3 x 3 whose
channels are whole vectors, and their gradients, take a quarter of the multiplications by Winograd's algorithm, with twice the rounding error of the
plain sum (`PENSTOCK_DISABLE=winograd` for the plain sum, which tiles with an infinity or NaN take anyway; `docs/accuracy.md`). Reductions are cut
into fixed partial sums, added in order: results are equal to the bit from run to run.

Kernels are merged once it is known what is stored (`fusion/merge.py`): elementwise work over one space that reads a common array, reductions of one
space, and reductions of rows with what is computed from them for the rows' elements (softmax and its cross entropy with the gradient, layer norm, a
pooling's maxima and their indices); a value that only the merged kernel reads is then not stored. Sums over the rows of a contraction's result (a
bias's gradient, what a batch norm sums) are added up on its register tiles, task by task (`fusion/column_sums.py`). Temporaries are written over
inputs that are read for the last time (`plan/in_place.py`).
"""
