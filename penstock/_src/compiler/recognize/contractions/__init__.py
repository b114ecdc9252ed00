"""Recognizes contractions that have kernels: products, convolutions and their gradients, and any other einsum.

In: the nodes of a function. Out: a `Match` for each `contract` node for which codegen/contraction has a kernel, and the end of its epilogue.

    find.py           all contractions of a function, with their elementwise epilogues
    match.py          one node: its operands and a description of its kernel
    computed_weights.py    one row by weights that a loop nest computes where it multiplies
    problem.py        both operands as views (kernels/views.py), and the result
    products.py                products: the roles of the letters
    images.py                  sums over images: the roles of the letters and axes
    convolutions.py, any_size.py    these as convolutions and gradients, of known and of unknown sizes

Read first: find.py, then match.py.
"""
