"""Kernels for cards, as LLVM IR for NVPTX.

What comes in: kernels as data (compiler/kernels/). What goes out: a `CudaCode`, whose launches read the same words as a CPU's. Read
first: language.py, then nests.py.

    asynchronous.py bulk copies by tensor maps (tensor_maps.py), barriers in shared memory
    choice.py       which threads compute which points of a nest
    nests.py        loop nests: elementwise values, reductions, rows
    contractions/   products, convolutions
    attention/      attention forward and backward
    specials/       scans, sorts, scatters, Fourier transforms, random bits, checks
    functions.py    what CPUs take from the C library
    tasks.py        the CPU's task functions, for kinds without a schedule of their own
    generator.py    what planning asks
"""
