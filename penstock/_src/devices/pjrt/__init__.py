"""A device of any PJRT plugin: XLA for TPUs, for other accelerators and for CPUs, through the C API of its library alone.

What comes in: a `Plan` with its Function, which is written as StableHLO. What goes out: a program that the plugin has compiled. Read
first: device.py.

    api.py       the C API: which functions there are, what they take, and their errors
    client.py    a plugin's client: buffers of its first device, executables
    program.py   a function that runs there; variables stay on the device
    options.py   how it is compiled
    plugin.py    where the library is

A PJRT plugin (`devices/pjrt/`) takes functions as StableHLO (`formats/stablehlo/`), so it asks for no kernels. Its C API is called by ctypes: each of
its functions takes one struct, whose fields are words, so `api.py` is a table of names. Programs of GPUs and of plugins leave variables in their
memory (`devices/residence.py`): the handle becomes a `HeldVariable`, whose `value` is copied when somebody asks for it.
"""
