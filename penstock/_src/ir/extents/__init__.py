"""What unknown extents are in a call, and what was decided by them.

What comes in: expressions of Dims (dims.py), which ask. What goes out: answers, and the conditions under which they are the same.

    dims.py     extents as expressions; read it first
    functions.py  bits and tables of them
    values.py   the numbers of a call
    guards.py   a recording of answers, as conditions of what was compiled by them
"""
