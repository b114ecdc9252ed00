"""Products with packed weights: x W^T, where W's rows are blocks of few-bit numbers with their scales (ir/meaning/packed.py).

description.py    the input: the extents, x as a matrix, the format
rows.py           few rows of x: each block is unpacked in registers and multiplied there, at the speed of reading W from memory
row_scales.py     the scales of a row as floats, converted before its blocks are multiplied
words.py          blocks of pairs of four bits, looked up in a register with sixteen floats: a lane is a word of a block
groups.py         x rounded to int8 by groups
matrices.py       many rows of such x, by matrix registers
emit.py           the choice of the kernel; for many rows a product (products/), which unpacks W as it packs panels
"""
