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
"""
