"""Solutions of linear systems whose matrices are triangles or bands, and factorizations and functions of small matrices.

In: contiguous right-hand sides, which become the solutions; matrices as the functions say. Read triangular.py first.
`rotations.py` has what eigenvalues and singular values share.
"""
