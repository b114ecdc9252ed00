"""Ahead of time: a model as a library for any machine, which needs neither Penstock nor Python.

In: concrete functions, and a target. Out: a folder with an object, static and shared libraries, a C header, and a program that holds them to
recorded values. A plan's table of launches (compiler/plan) becomes straight code: kernels read contexts that are written to the stack, temporaries lie
at constant offsets of an arena that the caller brings, weights are read-only data, packed here as kernels want them. Read first: build.py.

    targets.py     the machines that models are built for
    signature.py   a concrete function, lowered for its batch sizes
    plans.py       all functions planned, and where their buffers are
    constants.py   weights and other constant data
    launches.py    a plan as a function of LLVM IR
    public.py      the table and entries that others see: the ABI of files/libpenstock_model.h
    objects.py     all of it as one object (machine_code.py)
    recording.py   calls that Penstock answers itself, for the test program
    c_files.py     headers, CMake file, test program
    linking.py     libraries, by the ziglang wheel or the system's compiler (archive.py: static ones)
    build.py       the whole
"""
