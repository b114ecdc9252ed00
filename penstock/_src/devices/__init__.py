"""Devices, which run programs. Each is a folder, found by name in table.py and loaded when first used.

    cpu/         this process's processor: native code over a pool of threads
    gpu/         GPUs: kernels, launch tables on streams, and an emulator; gpu/cuda: the driver of NVIDIA's
    pjrt/        devices of PJRT plugins, such as TPUs
    reference/   the interpreter of primitives in NumPy, which defines their meaning
    null/        runs nothing and returns zeros: the time of a call is all overhead

In: a `Plan` (compiler/plan/plan.py). Out: a program, called with arrays and handles. Read compiler/device.py first, the protocol; then
cpu/device.py.

A new device is a folder here and a row of table.py; nothing else changes. It has four parts:

    generator   writes kernels for its target (compiler/codegen/generator.py). Another CPU is a Target, and uses the existing
                generator. A GPU has its own, whose kernels are text of another language (PTX) with the same
                contract: functions of tasks that read a context of words.
    threads     the number of concurrent tasks for which a plan lays out memory: 1 for an object without threads
    load        makes a program of a Plan, which has launches, buffers and constants without addresses. `launch_table.encode`
                writes its words, given the address of a kernel and the word of an argument. A GPU passes addresses of its
                memory and runs the table on a stream; an ahead-of-time object passes relocations, with constants in a section
                of their own and the arena (`plan.arena_bytes`) as an argument of its entry.
    buffers     allocates memory: `runtime.arena.ArenaPool(allocate)` shares blocks of any memory among programs;
                `runtime.signature` checks a call's arguments for all devices
"""
