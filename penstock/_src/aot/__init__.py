"""Ahead of time: a model as a library for any machine, which needs neither Penstock nor Python.

In: concrete functions, and a target. Out: a folder with an object, static and shared libraries, headers and packages of languages, and a program that holds
them to recorded values. A plan's table of launches (compiler/plan) becomes straight code: kernels read contexts that are written to the stack, temporaries
lie at constant offsets of an arena that the caller brings, weights are read-only data, packed here as kernels want them. Read first: build.py.

    targets.py     the machines that models are built for
    model/         concrete functions lowered for their batch sizes, planned, their variables and constants
    code/          plans as one object: launches, and the table that others see (the ABI of sources/files/libpenstock_model.h)
    recording.py   calls that Penstock answers itself, for test programs
    sources/       headers, test programs, loaders
    linking.py     libraries, by this system's compiler or the ziglang wheel (archive.py: static ones)
    build.py       the whole
    packing/       machine code of SavedModels beside them, for machines with Penstock (native/cache/packs)

Ahead of time. `penstock build` plans a model's functions for a target (`aot/`) and emits each plan's table of launches as straight code: contexts are
written to the stack, temporaries lie at constant offsets of an arena that the caller brings. What follows from weights alone is computed when
building (`aot/model/folding.py`), large constants become variables that nobody assigns (`hoisting.py`), and such are packed by the target's own
packing code, compiled for this process. Variables that a function assigns lie at the arena's start. What others see is one constant table, whose
layout (`aot/code/public.py`) is the ABI of `libpenstock_model.h`; C++, Java, JavaScript and Python read that table. A target without fused
multiply-add or rounding instructions gets other instructions from `native/language/arithmetic.py`, never calls. A WebAssembly module is compiled once
more where it runs, by a compiler that loads all that a block of code reads before it computes (`Target.loads_first`): tiles need registers for these
loads, and steps are not unrolled.
"""
