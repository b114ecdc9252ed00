"""Fusion: selects the nodes that become one kernel.

In: a function with the groups of nodes that recognize/ has found (`Recognized`). Out: a `Schedule`, kernels in launch order. Read partition.py first,
then storing.py.

    partition.py   Recognized -> Partition     the stored nodes (storing.py, costs.py), and the groups (groups.py) that store them
    merge.py       Partition  -> Partition     merges groups over one space; column_sums.py adds up columns on a contraction's tiles
    schedule.py    Partition  -> Schedule      each group as kernels (kernels/), in order: update_order.py: variables are updated early; late_order.py: arguments are prepared late;
                                               exchange_order.py: sums over processes; stream_sections.py: kernels that run side by side

A new reason to store a node goes to storing.py, a new way to join groups to merge.py.

A kernel is a loop nest, a contraction with a prologue and an epilogue, an attention, or a special kernel (scatter, sort, scan, Fourier
transform, random bits). Elementwise values and movements are computed again in every consumer unless storing pays. Convolutions of 3 x 3 whose
channels are whole vectors, and their gradients, use Winograd's algorithm: a quarter of the multiplications, with twice the rounding error of the
plain sum (`PENSTOCK_DISABLE=winograd` selects the plain sum, which is always used for tiles with an infinity or NaN; `docs/accuracy.md`). Reductions
are divided into fixed partial sums, added in order: results have the same bits in every run.

Groups are merged after the stored nodes are known (`fusion/merge.py`): elementwise groups over one space that read a common array, reductions of one
space, and reductions of rows with values computed from them for each element of the row (softmax and its cross entropy with the gradient, layer norm,
the maxima of a pooling and their indices). A value that only the merged kernel reads is not stored any more. Sums over the rows of a contraction's
result (a bias's gradient, the sums of a batch norm) are added up on its register tiles, task by task (`fusion/column_sums.py`). Temporaries overwrite
inputs that are read for the last time (`plan/in_place.py`).
"""
