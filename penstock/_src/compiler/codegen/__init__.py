"""Translates kernels to code for a target.

In: kernels as data (compiler/kernels/: loop nests, contractions with epilogues; recognize/: attentions). Out: LLVM IR of task functions, and the facts
that a launch needs (numbers of tasks, scratch memory, words of the context). Read generator.py first, the interface to planning; then cpu.py, its
implementation for CPUs; then the folder of a kind of kernel.

    kernel_code.py   the contract of contractions: stages, context, epilogues on register tiles
    processors.py    numbers for each class of processors: sizes of blocks, shares of caches, costs
    scalars/         the registers of each dtype, and the code of every elementwise operation
    nests/           loop nests: choice of vectorized and parallel loops, evaluation of values, reductions, loads and stores
    contraction/     matrix products, convolutions and their gradients, by register tiles
    attention/       attention forward and backward, by blocks of scores
    specials/        kinds with emitters of their own: random bits, scans, sorts, scatters, checks

A new elementwise operation is a function in scalars/operations.py. A new kind of node that is not a loop nest is a file in specials/ and
a row of its table. Another instruction set is a Target (native/target.py) and its row of
processors.py; another kind of target has a generator in its device (devices/).

Schedules. Code generation decides first and writes afterwards. A family of kernels has a description of the computation, a function that chooses
(`choose(description, target, threads, …)`), a schedule (a frozen record of the choices: tiles, blocks, tasks, memory of operands; sizes of memory and
numbers of tasks follow from it), and a writer, made for one kernel, that decides nothing. So schedules are printed, compared and tested without
emitting code, and a process whose kernels are all in the cache imports no writers, as emitters reference them by name (`ByName`). Products:
`codegen/contraction/products/schedule.py`, `choice.py`, `kernel.py`; convolutions: the same names in
`contraction/images/`; filter gradients and Winograd's algorithm beside them; loop nests: `Loops` in `codegen/nests/choice.py`, written by `nest.py`.
In `compiler/` and `native/` no attribute is first set outside of a constructor, and no constructor calls methods of its own object
(`tests/layout/test_constructors.py`).
"""
