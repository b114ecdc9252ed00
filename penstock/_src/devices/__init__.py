"""Devices: what programs run on. One folder each, found by name in table.py and loaded when first used.

    cpu/         this process's processor: native code over a pool of threads
    cuda/        NVIDIA's cards, and an emulator of them
    pjrt/        what plugins of XLA's interface compile for: TPUs among them
    reference/   the interpreter of primitives in NumPy: what they mean
    null/        runs nothing and gives zeros: what is left of a call's time is everything but the work

What comes in: a `Plan` (compiler/plan/plan.py). What goes out: a program, called with arrays and handles. Read first:
compiler/device.py, the protocol; then cpu/device.py.

A new device is a folder here and a row of table.py; nothing else changes. It answers four questions:

    generator   writes kernels for its target (compiler/codegen/generator.py). Another CPU is a Target, and takes the generator
                there is; a GPU brings one of its own, whose kernels are text of another language (PTX) with the same
                contract: functions of tasks that read a context of words.
    threads     for how many tasks at once a plan lays memory out: 1 for an object without threads
    load        a Plan has launches, buffers and constants without addresses. `launch_table.encode` writes its words, given
                the address of a kernel and the word of an argument: a GPU gives those of its driver's memory and walks the table
                on a stream; an ahead-of-time object gives relocations, with constants in a section of their own and the
                arena (`plan.arena_bytes`) as an argument of its entry.
    buffers     how memory is made: `runtime.arena.ArenaPool(allocate)` shares blocks of any memory among programs;
                `runtime.signature` checks a call's arguments on whatever device they are then copied to
"""
