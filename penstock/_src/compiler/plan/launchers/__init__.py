"""What adds the launches of kernels to a plan under construction: a file for each kind of kernel.

What comes in: a `PlanBuilder` (plan/builder.py) and a kernel. What goes out: records and buffers in the builder. Read first: nests.py; then
functions.py (all kernels of a function) and control.py (loops and branches: jumps around nested functions). A new kind of
kernel is a function here and a row of LAUNCHERS in plan/planner.py.
"""
