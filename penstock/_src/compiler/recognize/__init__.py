"""What is known by its form: several nodes that one kernel computes.

What comes in: the nodes of a function and who uses them. What goes out: records of what was found, which fusion/ makes kernels of.
One file for each thing that is recognized, with a picture of it in its docstring. Read first: attention.py.
"""
