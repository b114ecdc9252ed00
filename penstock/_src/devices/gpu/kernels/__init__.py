"""Kernels for GPUs, as LLVM IR for NVPTX.

In: kernels as data (compiler/kernels/). Out: a `CudaCode`, whose launches read the same words as a CPU's. Read language.py first, then
nests.py.

    asynchronous.py bulk copies by tensor maps (tensor_maps.py), barriers in shared memory
    choice.py       the points of a nest that each thread computes
    nests.py        loop nests: elementwise values, reductions, rows
    contractions/   products, convolutions
    attention/      attention forward and backward
    specials/       scans, sorts, scatters, Fourier transforms, random bits, checks
    functions.py    functions that CPUs take from the C library
    tasks.py        the CPU's task functions, for kinds without a schedule of their own
    generator.py    the interface to planning
"""
