"""Calls of ops that pass values on, ask for shapes, or make constants."""

import ml_dtypes  # noqa: F401  (bfloat16 by name)
import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.movement import array
from tests.conformance.draws.state import StateCase
from tests.conformance.draws.values import (
    ANY,
    INDEX,
    SEED,
    arrays,
    broadcast_pairs,
    drawn,
    numbers,
    shapes,
    types,
)
from tests.harness.op_case import OpCase

DRAWS = {}

_PASSING = "Identity Copy CopyHost DebugGradientIdentity DeepCopy GuaranteeConst Snapshot StopGradient OnesLike ZerosLike".split()  # fmt: skip
_PASSED = ANY.filter(lambda kind: kind is not np.uint16 and kind is not np.uint32)


def _passing(op, attrs=None, kinds=_PASSED, gradient=None):
    return arrays(kinds).map(lambda x: OpCase(op, [x], attrs or {}, gradient=gradient))


for _op in _PASSING:
    DRAWS[_op] = _passing(_op, gradient=False if _op == "StopGradient" else None)
DRAWS["PreventGradient"] = _passing("PreventGradient", {"message": "none"}, gradient=False)
for _op in ("CheckNumerics", "CheckNumericsV2"):
    DRAWS[_op] = _passing(_op, {"message": "not finite"}, types(_op))


@drawn(DRAWS)
def XlaOptimizationBarrier(draw):
    inputs = [draw(arrays(_PASSED)) for _ in range(draw(st.integers(1, 3)))]
    return OpCase("XlaOptimizationBarrier", [inputs])


@drawn(DRAWS)
def IdentityN(draw):
    return OpCase("IdentityN", [[draw(arrays(_PASSED)) for _ in range(draw(st.integers(1, 3)))]])


@drawn(DRAWS)
def EnsureShape(draw):
    x = draw(arrays(_PASSED))
    shape = [n if draw(st.booleans()) else None for n in x.shape]
    return OpCase("EnsureShape", [x], {"shape": shape})


@drawn(DRAWS)
def PlaceholderWithDefault(draw):
    x = draw(arrays(_PASSED))
    return OpCase("PlaceholderWithDefault", [x], {"shape": list(x.shape)})


def _asking(op, typed):
    @st.composite
    def strategy(draw):
        attrs = {"out_type": draw(INDEX).__name__} if typed else {}
        return OpCase(op, [draw(arrays(_PASSED))], attrs)

    return strategy()


for _op in ("Shape", "Size", "Rank"):
    DRAWS[_op] = _asking(_op, _op != "Rank")


@drawn(DRAWS)
def ShapeN(draw):
    kind = draw(_PASSED)
    parts = [numbers(draw(SEED), draw(shapes()), kind) for _ in range(draw(st.integers(1, 3)))]
    return OpCase("ShapeN", [parts], {"out_type": draw(INDEX).__name__})


def _two_shapes(op):
    @st.composite
    def strategy(draw):
        kind = draw(INDEX)
        case = OpCase(op, [np.array(shape, kind) for shape in draw(broadcast_pairs())])
        case.shape_known = op == "BroadcastArgs"
        return case

    return strategy()


for _op in ("BroadcastArgs", "BroadcastGradientArgs"):
    DRAWS[_op] = _two_shapes(_op)


@drawn(DRAWS)
def Bitcast(draw):
    """To a type of equal, of half or of twice the size."""
    by_size = {1: "int8 uint8", 2: "int16 uint16 float16 bfloat16", 4: "int32 uint32 float32", 8: "int64 uint64 float64"}  # fmt: skip
    size = draw(st.sampled_from([1, 2, 4, 8]))
    wanted = draw(st.sampled_from([s for s in (size // 2, size, size * 2) if s in by_size]))
    kind = np.dtype(draw(st.sampled_from(by_size[size].split())))
    shape = draw(shapes(most=3))
    shape = (*shape, 2) if wanted > size else shape
    x = numbers(draw(SEED), shape, kind, 0.5, 60)
    return OpCase("Bitcast", [x], {"type": draw(st.sampled_from(by_size[wanted].split()))})


@drawn(DRAWS)
def Fill(draw):
    value = numbers(draw(SEED), (), draw(types("Fill")))
    return OpCase("Fill", [np.array(draw(shapes()), draw(INDEX)), value])


@drawn(DRAWS)
def Empty(draw):
    kind = np.dtype(draw(types("Empty", "dtype"))).name
    shape = np.array(draw(shapes()), np.int32)
    return OpCase("Empty", [shape], {"dtype": kind, "init": True})


def _constant(op):
    @st.composite
    def strategy(draw):
        x = draw(arrays(_PASSED))
        return OpCase(op, [], {"value": x, "dtype": x.dtype.name})

    return strategy()


for _op in ("Const", "HostConst"):
    DRAWS[_op] = _constant(_op)
for _op in ("NoOp", "ControlTrigger"):
    DRAWS[_op] = st.just(StateCase(_op))


@drawn(DRAWS)
def Assert(draw):
    data = [array(draw, "Reshape") for _ in range(draw(st.integers(1, 2)))]
    return StateCase("Assert", [], [np.bool_(True), data], {"summarize": draw(st.integers(1, 3))})


def _layout(op):
    @st.composite
    def strategy(draw):
        source = draw(st.sampled_from(["NHWC", "NCHW"]))
        target = {"NHWC": "NCHW", "NCHW": "NHWC"}[source]
        if op == "DataFormatDimMap":
            x = np.array(draw(st.lists(st.integers(-4, 3), max_size=5)), draw(INDEX))
        else:
            x = np.array(draw(st.permutations(range(4))), draw(INDEX))
        return OpCase(op, [x], {"src_format": source, "dst_format": target})

    return strategy()


for _op in ("DataFormatDimMap", "DataFormatVecPermute"):
    DRAWS[_op] = _layout(_op)
