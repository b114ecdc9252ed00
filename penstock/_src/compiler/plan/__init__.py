"""Plans kernels: from a Schedule to launches over buffers, before addresses are known.

In: a `Schedule`, the code cache of a target, the number of threads. Out: a frozen `Plan` (plan.py). launch_table.py defines the format
of its records. Read plan.py first, then planner.py.

    planner.py      the stage: buffers of results and variables, then the launches of all kernels (launchers/)
    builder.py      the plan under construction, the only mutable part
    buffers.py      offsets of buffers in one arena, by live ranges; in_place.py: inputs that a kernel may overwrite with its outputs
    prepacked.py    weights that are packed once; early_checks.py: checks that end a run before variables change
    verify/         proofs about the kernels and their order

The code of a kernel is written when planning requests it (codegen/generator.py).

Plans for many extents. Such a plan is made once: sizes of buffers, counts of tasks and words of launches are expressions, and decisions of planning
about extents become conditions of the plan (`Prepared.plans`; within a Recording numbers stay expressions, `dims.settled`). Loading it
(runtime/sized.py) makes one launch table and a sizing program (sizes.py): integer operations, run natively (native/algorithms/sizing.py), that write
all numbers of a call into the table, in 3 µs for a training step of two transformer blocks. Each call's extents get a small `SizedProgram`; all of
them share the table, which has the numbers of the last one.

Offsets in the arena are chosen for the extents of the first call. The plan keeps only their order: which buffers are below a buffer whose live ranges
overlap with its own. For other extents a buffer starts at the highest end of those, so that buffers are disjoint for all sizes, and as tight as in the
first plan if sizes grow in proportion. An arena that grew for one large call is given back after a hundred runs that did not need it. The sizing
program reports numbers beyond 64 bits; such a call is planned separately, as on devices without `Device.load_open`. numbered.py returns the plan with
the numbers of a call, for reports, profiles and errors.
"""
