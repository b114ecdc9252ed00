"""Kernels -> a Plan: launches over buffers, before addresses are known.

What comes in: a `Schedule`, the code cache of a target, the number of threads. What goes out: a frozen `Plan` (plan.py).
launch_table.py owns the format of its records.

    planner.py      the stage: where results and variables lie, then the launches of all kernels (launchers/)
    builder.py      the plan under construction, alone in changing
    buffers.py      one arena for all temporaries; in_place.py: over which inputs values may be written
    prepacked.py    weights that are packed once; early_checks.py: checks that end a run before variables change
    verify/         proofs about the kernels and their order

Read first: plan.py, then planner.py. Kernels' codes are written while planning asks for them (codegen/generator.py).

A plan for many extents is made once: buffers' sizes, counts of tasks and words of launches are expressions, and what planning decides of extents
becomes conditions of the plan (`Prepared.plans`; within a Recording numbers stay open, `dims.settled`). Loading it (runtime/sized.py) makes one
launch table, and a sizing program (sizes.py): integer operations, run natively (native/algorithms/sizing.py), that write all numbers of a call into
the table, in 3 µs for a training step of two transformer blocks. For new extents a `SizedProgram` is made, which has little but the shapes that it
takes and gives; the table is theirs whose numbers were written last.

Offsets in the arena are found for the extents at hand; what is kept of them is which buffer lies above which others that are alive at the same time.
For other extents a buffer begins where the highest of those ends: apart for all sizes, and as tight as the first plan where sizes grow alike. An
arena that grew for one large call is given back when a hundred runs have not needed it. The sizing program reports numbers beyond 64 bits, and such a
call is planned by itself, as on devices whose programs take numbers only (`Device.load_open`). numbered.py gives the plan with the numbers of a call,
for reports, profiles and errors.
"""
