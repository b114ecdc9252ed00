"""Eager tensors and operations on devices, while PENSTOCK_DEVICE names GPUs.

    tensor.py     PlacedTensor: an eager tensor in device memory; the host copy is made when it is first read
    logical.py    the names of logical CPUs, which share the process's memory
    choice.py     chooses the device of an op and of its results
    ops.py        runs an op there: a compiled graph of this one op, kept by shapes and types
    hooks.py      replaces the functions that run ops and functions on the CPU by these

Programs without GPUs import logical.py only. Read first: hooks.py.

Placement (`core/calls/placement.py`, `eager/placed/`). While `PENSTOCK_DEVICE` names GPUs, devices have numbers, and a `DeviceArray`
(`core/values/device_array.py`) may replace any host array between programs: it has a shape, a dtype, device memory, and a host
copy after the first read. A `PlacedTensor` is an eager tensor over such an array; code that does not know the class reads `_value`, the host copy.
`eager/placed/hooks.py` fills the slots that run ops, make constants and call functions, so that programs on CPUs pay nothing. A section of a
graph is specialized for the device of the call; an operation placed on another device starts the next program (`compiler/blocks/placing.py`).
A tensor may share memory with a variable: a program that assigns the variable then writes to new memory.
"""
