"""Attention by blocks that keep tiles of scores in registers, forward and backward.

A block owns some rows of the scores (forward, gradient of queries) or some columns (gradients of keys and values), brings tiles of the others to
shared memory one after another, and sums what it owns. So no sum is shared between blocks, and results have the same bits each time. Read first:
tiles.py, then forward.py.

    shapes.py         how many rows and columns of the scores a block has at once, by shared memory
    tiles.py          what both ways to multiply share: tiles in shared memory, the epilogue of scores
    plain.py          tiles multiplied by fused multiply-adds: float32, float64, and whatever has no tensor cores
    tensor_cores.py   tiles of bfloat16 and float16, multiplied by mma.sync
    forward.py, backward.py   the kernels
    emit.py           which of them an attention gets
"""
