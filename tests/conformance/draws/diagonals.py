"""Calls of ops on the diagonals of matrices."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.movement import array
from tests.conformance.draws.values import INDEX, SEED, SOME, drawn, numbers, shapes, types
from tests.harness.op_case import OpCase

DRAWS = {}
ALIGN = st.sampled_from(["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"])


def _band(op):
    @st.composite
    def strategy(draw):
        x = array(draw, op, least=2, extent=SOME)
        kind = np.int64 if op.startswith("Batch") else draw(INDEX)
        return OpCase(op, [x, *(kind(draw(st.integers(-1, n))) for n in x.shape[-2:])])

    return strategy()


for _op in ("MatrixBandPart", "BatchMatrixBandPart"):
    DRAWS[_op] = _band(_op)


def _plain(op, **limits):
    @st.composite
    def strategy(draw):
        return OpCase(op, [array(draw, op, extent=SOME, **limits)])

    return strategy()


for _op in ("MatrixDiag", "BatchMatrixDiag"):
    DRAWS[_op] = _plain(_op, least=1, most=2)
for _op in ("MatrixDiagPart", "BatchMatrixDiagPart"):
    DRAWS[_op] = _plain(_op, least=2)


@drawn(DRAWS)
def Diag(draw):
    shape = draw(shapes(1, 2, st.sampled_from([1, 2, 3, 7])))
    shape = shape if np.prod(shape) < 60 else (57,)
    return OpCase("Diag", [numbers(draw(SEED), shape, draw(types("Diag")))])


@drawn(DRAWS)
def DiagPart(draw):
    half = draw(st.sampled_from([(1,), (2,), (57,), (2, 3), (1, 4)]))
    return OpCase("DiagPart", [numbers(draw(SEED), half + half, draw(types("DiagPart")))])


def _set_main(op):
    @st.composite
    def strategy(draw):
        x = array(draw, op, least=2, most=3, extent=SOME)
        diagonal = numbers(draw(SEED), (*x.shape[:-2], min(x.shape[-2:])), x.dtype)
        return OpCase(op, [x, diagonal])

    return strategy()


for _op in ("MatrixSetDiag", "BatchMatrixSetDiag"):
    DRAWS[_op] = _set_main(_op)


def _several(draw, op):
    """A matrix, the lowest and highest of some diagonals of it, and their count and length."""
    shape = draw(shapes(2, 3, SOME))
    shape = (*shape[:-2], *(min(n, 70) for n in shape[-2:]))
    rows, columns = shape[-2:]
    low = draw(st.integers(1 - rows, columns - 1))
    high = draw(st.integers(low, min(columns - 1, low + 4)))
    length = min(rows + min(high, 0), columns - max(low, 0))
    k = np.int32(low if low == high and draw(st.booleans()) else [low, high])
    x = numbers(draw(SEED), shape, draw(types(op)))
    many = (high - low + 1,) if high > low else ()
    return x, k, many, length


def _align(draw, op):
    return {"align": draw(ALIGN)} if op.endswith("V3") else {}


def _parts(op):
    @st.composite
    def strategy(draw):
        x, k, _, _ = _several(draw, op)
        padding = np.array(3).astype(x.dtype)
        return OpCase(op, [x, k, padding], _align(draw, op), gradient=(0,))

    return strategy()


def _sets(op):
    @st.composite
    def strategy(draw):
        x, k, many, length = _several(draw, op)
        diagonal = numbers(draw(SEED), (*x.shape[:-2], *many, length), x.dtype)
        return OpCase(op, [x, diagonal, k], _align(draw, op))

    return strategy()


def _makes(op):
    @st.composite
    def strategy(draw):
        x, k, many, length = _several(draw, op)
        diagonal = numbers(draw(SEED), (*x.shape[:-2], *many, length), x.dtype)
        rows, columns = map(np.int32, x.shape[-2:])
        padding = np.array(2).astype(x.dtype)
        inputs = [diagonal, k, rows, columns, padding]
        return OpCase(op, inputs, _align(draw, op), gradient=(0,))

    return strategy()


for _version in ("V2", "V3"):
    for _name, _make in (("DiagPart", _parts), ("SetDiag", _sets), ("Diag", _makes)):
        DRAWS[f"Matrix{_name}{_version}"] = _make(f"Matrix{_name}{_version}")
