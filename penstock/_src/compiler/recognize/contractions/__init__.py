"""Contractions that have kernels of their own: products, convolutions and their gradients, and any other einsum.

What comes in: the nodes of a function. What goes out: a `Match` for each `contract` node that codegen/contraction has a kernel for, and
where its epilogue ends.

    find.py           all of a function, with the elementwise nodes that each takes along
    match.py          one node: its operands and a description of its kernel
    problem.py        both operands as views (kernels/views.py), and the result
    products.py, convolutions.py    what the letters and axes of a contraction are

Read first: find.py, then match.py.
"""
