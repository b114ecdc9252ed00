"""Eager tensors and operations on devices, while PENSTOCK_DEVICE names GPUs.

    tensor.py     PlacedTensor: an eager tensor whose elements a device has; the host's copy is made when somebody asks for it
    logical.py    the names of logical CPUs, which share the process's memory
    choice.py     on which device an op runs, and where its results are
    ops.py        runs an op there: a compiled graph of this one op, kept by shapes and types
    hooks.py      puts all of it in the place of what runs ops and functions on the CPU

Programs without GPUs import logical.py only. Read first: hooks.py.
"""
