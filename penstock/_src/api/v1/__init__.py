"""compat.v1's own forms of functions: older names and orders of arguments around those of v2.

A file per kind of function; each converts its arguments and calls the v2 function. `arguments.py`
takes the one of two names under which an argument may come. What v1 has like v2 is exported there.
"""
