"""Attention by blocks that keep tiles of scores in registers, forward and backward.

A block owns some rows of the scores (forward, gradient of queries) or some columns (gradients of keys and values), loads tiles of the others into
shared memory one after another, and sums over them. So no sum is shared between blocks, and results have the same bits each time. Read first:
tiles.py, then forward.py.

    shapes.py         rows and columns of the scores per block, limited by shared memory
    tiles.py          the common part of both ways to multiply: tiles in shared memory, the epilogue of scores
    plain.py          tiles multiplied by fused multiply-adds: float32, float64, and whatever has no tensor cores
    tensor_cores.py   tiles of bfloat16 and float16, multiplied by mma.sync
    forward.py, backward.py   the kernels
    emit.py           which of them an attention gets
"""
