"""Eager tensors and operations on devices, while PENSTOCK_DEVICE names GPUs.

    tensor.py     PlacedTensor: an eager tensor whose elements a device has; the host's copy is made when somebody asks for it
    choice.py     on which device an op runs, and where its results are
    ops.py        runs an op there: a compiled graph of this one op, kept by shapes and types
    hooks.py      puts all of it in the place of what runs ops and functions on the CPU

Programs without GPUs import none of it. Read first: hooks.py.
"""
