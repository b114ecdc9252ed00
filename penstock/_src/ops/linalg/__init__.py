"""Linear algebra: solves, factorizations, eigenvalues.

Read solve.py and decomposition.py first; elimination.py lowers both, functions.py has functions of matrices.

Factorizations and triangular systems are primitives (`ir/primitives/matrices.py`) with kernels for any number of rows on CPUs
(`compiler/codegen/specials/matrices`). On GPUs they are loops over the columns of a block, and products that carry a block over to the rest. What is
exchanged in later blocks is not moved with each: a finished block's rows are stored at their numbers in the whole matrix, and gathered once at the
end. Blocks are at least 32 columns, and at most 16: smaller ones leave more of the work to products, but each has kernels of its own.
"""
