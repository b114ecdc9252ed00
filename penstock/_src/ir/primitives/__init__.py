"""Every kind of node: a class with its form, its shape rule, its meaning in NumPy, its range and its work.

Shapes are tuples of ints and `Dim`s. Each kind has a counterpart in the StableHLO specification, which is named where it differs. Read base.py,
then the file of a subject:

    leaves         parameters, variables' values, constants, sizes, indices, random bits
    elementwise    unary, binary, compare (families of an `op`), select, cast, iterate, bitcast
    movement       reshape, transpose, broadcast, slice, reverse, pad, concat, windows, blocks at run-time starts
    reduction      reduce, arg_reduce, scan, contract
    lines          sort, Fourier transform
    matrices       factorizations, triangular systems
    indexing       gather, scatter
    packed         packed weights, ensembles of trees
    exchanges      between processes
    control        while, case, item, optimization_barrier

How a kind is compiled is said by class in compiler/kernels/inline.py, compiler/codegen/specials/table.py and devices/gpu/kernels/generator.py.
"""

from penstock._src.ir.primitives import (  # noqa: F401 - their classes enter PRIMITIVES
    control,
    exchanges,
    indexing,
    leaves,
    lines,
    matrices,
    movement,
    packed,
)
from penstock._src.ir.primitives.base import PRIMITIVES
from penstock._src.ir.primitives.elementwise import BINARY, COMMUTATIVE, COMPARE, UNARY
from penstock._src.ir.primitives.reduction import split_spec

__all__ = [
    "BINARY",
    "COMMUTATIVE",
    "COMPARE",
    "ELEMENTWISE",
    "MOVEMENT",
    "PRIMITIVES",
    "UNARY",
    "split_spec",
]

ELEMENTWISE = frozenset(p.kind for p in PRIMITIVES.values() if p.is_elementwise)
MOVEMENT = frozenset(p.kind for p in PRIMITIVES.values() if p.is_movement)
