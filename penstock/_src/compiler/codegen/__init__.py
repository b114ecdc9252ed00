"""Kernels -> code for a target.

What comes in: kernels as data (compiler/kernels/: loop nests, contractions with epilogues; recognize/: attentions). What goes out: LLVM IR
of task functions, and what a launch needs to know of them (numbers of tasks, scratch, words of their context). Read first:
generator.py, what planning asks; cpu.py, which answers for CPUs; then the folder of a kind of kernel.

    kernel_code.py   the contract of contractions: stages, context, epilogues on register tiles
    processors.py    numbers of each class of processors: blocking, parts of caches, costs
    scalars/         how values of each dtype lie in registers, and the code of every elementwise operation
    nests/           loop nests: which loops go by vectors, where each value is computed, reductions, loads and stores
    contraction/     matrix products, convolutions and their gradients, by register tiles
    attention/       attention forward and backward, by blocks of scores
    specials/        kinds with emitters of their own: random bits, scans, sorts, scatters, checks

A new elementwise operation is a function in scalars/operations.py. A new kind of node that is not a loop nest is a file in specials/ and
a row of its table. Another instruction set is a Target (native/target.py) and its row of
processors.py; another kind of target a generator of its own, which its device brings along (devices/).

Schedules. Code generation decides first and writes afterwards. A family of kernels has a description (what is computed), a function that chooses
(`choose(description, target, threads, …)`), a schedule (a frozen record of what was chosen: tiles, blocks, cuts, where operands are read; sizes of
memory and numbers of tasks follow from it), and a writer, made for one kernel, that decides nothing. So schedules are printed, compared and tested
without a line of code being written, and a process with kernels that are all in the cache imports no writers: emitters name them (`ByName`). Products: `codegen/contraction/products/schedule.py`, `choice.py`, `kernel.py`; convolutions: the same names in
`contraction/images/`; filter gradients and Winograd's algorithm beside them; loop nests: `Loops` in `codegen/nests/choice.py`, written by `nest.py`.
In `compiler/` and `native/` no attribute is first set outside of a constructor, and no constructor calls methods of its own object
(`tests/layout/test_constructors.py`).
"""
