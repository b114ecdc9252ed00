"""Kernels -> a Plan: launches over buffers, before addresses are known.

What comes in: a partition's kernels, a code cache for the target, the number of threads. What goes out: a frozen `Plan`
(plan.py). launch_table.py owns the format of its records.
Read first: plan.py, then planner.py, which walks the kernels in order, asks codegen/ for each one's code (known ones are not
written again) and adds its launches. in_place.py says over which inputs values may be written; specials.py holds the
kinds with emitters of their own, control.py loops and branches, which become jumps of the table.
"""
