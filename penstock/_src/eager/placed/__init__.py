"""Eager tensors and operations on devices, while PENSTOCK_DEVICE names GPUs.

    tensor.py     PlacedTensor: an eager tensor whose elements a device has; the host's copy is made when somebody asks for it
    logical.py    the names of logical CPUs, which share the process's memory
    choice.py     on which device an op runs, and where its results are
    ops.py        runs an op there: a compiled graph of this one op, kept by shapes and types
    hooks.py      puts all of it in the place of what runs ops and functions on the CPU

Programs without GPUs import logical.py only. Read first: hooks.py.

Placement (`core/calls/placement.py`, `eager/placed/`). While `PENSTOCK_DEVICE` names GPUs, devices have numbers, and a `DeviceArray`
(`core/values/device_array.py`) may stand wherever an array of the host does between programs: a shape, a type, memory of a device, and the host's
copy once somebody has asked for it. A `PlacedTensor` is an eager tensor over one; code that knows nothing of it reads `_value`, which is the copy.
`eager/placed/hooks.py` takes the slots that run ops, make constants and call functions, so that programs on CPUs have none of this. A section of a
graph is specialized for the device of the call; an operation that asks for another one waits for the next program (`compiler/blocks/placing.py`).
Memory that a tensor has of a variable is lent: a program that assigns the variable then writes elsewhere.
"""
