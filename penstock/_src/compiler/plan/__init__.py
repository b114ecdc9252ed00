"""Kernels -> launches over buffers.

planner.py walks a partition's kernels in order, asks codegen/ for each one's code (known ones are not written again) and
adds its launches; in_place.py says over which inputs values may be written;
specials.py holds the kinds with emitters of their own, control.py loops and branches, which become
jumps of the table. What goes out is a Planner: launches, buffers, results. program.py gives them addresses.
"""
