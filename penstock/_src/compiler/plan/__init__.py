"""Kernels -> a Plan: launches over buffers, before addresses are known.

What comes in: a `Schedule`, the code cache of a target, the number of threads. What goes out: a frozen `Plan` (plan.py).
launch_table.py owns the format of its records.

    planner.py      the stage: where results and variables lie, then the launches of all kernels (launchers/)
    builder.py      the plan under construction, alone in changing
    buffers.py      one arena for all temporaries; in_place.py: over which inputs values may be written
    prepacked.py    weights that are packed once; early_checks.py: checks that end a run before variables change
    verify/         proofs about the kernels and their order

Read first: plan.py, then planner.py. Kernels' codes are written while planning asks for them (codegen/generator.py).
"""
