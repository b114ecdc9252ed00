"""A device of any PJRT plugin: XLA for TPUs, for other accelerators and for CPUs, through the C API of its library alone.

In: a `Plan` with its Function, which is exported as StableHLO. Out: a program compiled by the plugin. Read device.py first.

    api.py       the C API: its functions with the fields of their arguments, and errors
    client.py    a plugin's client: buffers of its first device, executables
    program.py   a function that runs there; variables stay on the device
    options.py   options of the compilation
    plugin.py    the path of the library

A PJRT plugin compiles StableHLO (`formats/stablehlo/`), and needs no kernels. Its C API is called by ctypes: each function takes one struct whose
fields are words, so `api.py` is a table of names. Programs of GPUs and of plugins leave variables in the device's memory
(`devices/residence.py`): the handle becomes a `HeldVariable`, whose `value` is copied when it is read.
"""
