"""Products with packed weights: x W^T, where W's rows are blocks of few-bit numbers with their scales (ir/meaning/packed.py).

description.py    what comes in: the extents, x as a matrix, the format
rows.py           few rows of x: each block is unpacked in registers and multiplied there, as fast as memory gives W
emit.py           which kernel; many rows are a product (products/) whose panels of W are unpacked as they are packed
"""
