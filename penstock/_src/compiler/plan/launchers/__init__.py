"""Launchers: add the launches of kernels to a plan under construction; a file for each kind of kernel.

In: a `PlanBuilder` (plan/builder.py) and a kernel. Out: records and buffers in the builder. Read nests.py first; then functions.py (all
kernels of a function) and control.py (loops and branches: jumps around nested functions). A new kind of kernel is a function here and a
row of LAUNCHERS in plan/planner.py.
"""
