"""Calls of ops that work element by element, of comparisons and of reductions."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.values import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    SEED,
    SOME,
    WIDE,
    arrays,
    axes_of,
    broadcast_pairs,
    numbers,
    shapes,
)
from tests.harness.op_case import OpCase

DRAWS = {}

# Functions of one float, and where they are defined.
_DOMAINS = {
    **dict.fromkeys(
        "Exp Expm1 Sigmoid Tanh Erf Erfc Sin Cos Atan Sinh Cosh Asinh Softplus Softsign Elu Selu "
        "LeakyRelu Relu6 Relu Neg Square Abs Sign".split(),
        (-3, 3),
    ),
    **dict.fromkeys("Log Sqrt Rsqrt Lgamma Reciprocal Inv".split(), (0.2, 4)),
    **dict.fromkeys("Asin Acos Atanh".split(), (-0.9, 0.9)),
    "Acosh": (1.1, 5),
    "Log1p": (-0.8, 4),
    "Tan": (-1.2, 1.2),
}
_STEPS = "Floor Ceil Rint Round".split()
_TESTS = "IsFinite IsInf IsNan".split()
_WITH_INTEGERS = "Neg Square Abs Sign Relu Relu6".split()


def _unary(op, low, high, dtype=FLOATS):
    return arrays(dtype, low=low, high=high).map(lambda x: OpCase(op, [x]))


for _op, _ends in _DOMAINS.items():
    _kinds = st.one_of(FLOATS, st.sampled_from([np.int32])) if _op in _WITH_INTEGERS else FLOATS
    DRAWS[_op] = _unary(_op, *_ends, _kinds)
for _op in _STEPS:
    DRAWS[_op] = arrays(FLOATS).map(lambda x, op=_op: OpCase(op, [x], gradient=False))
for _op in _TESTS:
    DRAWS[_op] = arrays(FLOATS).map(
        lambda x, op=_op: OpCase(op, [np.where(x > 2, np.inf, np.where(x < -2, np.nan, x)).astype(x.dtype)])
    )  # fmt: skip
DRAWS["LogicalNot"] = arrays(st.just(np.bool_)).map(lambda x: OpCase("LogicalNot", [x]))
for _op in ("Invert", "PopulationCount"):
    DRAWS[_op] = arrays(INTEGERS, low=-100, high=100).map(lambda x, op=_op: OpCase(op, [x]))


@st.composite
def _binary(draw, op, dtype=NUMBERS, low=-3, high=3, positive=False, apart=False):
    """Two arrays that broadcast; `positive`: the second has no zero; `apart`: no two are close."""
    first, second = draw(broadcast_pairs())
    kind = draw(dtype)
    x = numbers(draw(SEED), first, kind, low, high)
    y = numbers(draw(SEED), second, kind, 0.3 if positive else low, high)
    if positive and np.dtype(kind).kind in "iu":
        y = np.maximum(y, 1)
    if apart and np.dtype(kind).kind == "f":
        x, y = np.round(x * 4) / 4, np.round(y * 4) / 4 + 0.1
        x, y = x.astype(kind), y.astype(kind)
    return OpCase(op, [x, y])


for _op in "AddV2 Add Sub Mul SquaredDifference".split():
    DRAWS[_op] = _binary(_op)
for _op in "Maximum Minimum".split():
    DRAWS[_op] = _binary(_op, apart=True)
for _op in "RealDiv Div DivNoNan Atan2 Xdivy".split():
    DRAWS[_op] = _binary(_op, WIDE, positive=True)
for _op in "Xlogy Xlog1py MulNoNan".split():
    DRAWS[_op] = _binary(_op, WIDE, positive=True)
for _op in "FloorDiv FloorMod TruncateDiv TruncateMod".split():
    DRAWS[_op] = _binary(
        _op, st.sampled_from([np.int32, np.int64]), low=-20, high=20, positive=True
    )
DRAWS["Pow"] = _binary("Pow", WIDE, low=0.3, high=2)
for _op in "Equal NotEqual Less LessEqual Greater GreaterEqual".split():
    DRAWS[_op] = _binary(_op, st.sampled_from([np.int32, np.float32]))
for _op in "BitwiseAnd BitwiseOr BitwiseXor".split():
    DRAWS[_op] = _binary(_op, INTEGERS, low=-100, high=100)
for _op in "LeftShift RightShift".split():
    DRAWS[_op] = _binary(_op, st.sampled_from([np.int32, np.int64]), low=0, high=7)
for _op in "LogicalAnd LogicalOr".split():
    DRAWS[_op] = _binary(_op, st.just(np.bool_))


@st.composite
def _gradient_op(draw, op, low=0.2, high=0.9):
    """Of an op that takes a value and an incoming gradient of equal shapes."""
    shape, kind = draw(shapes()), draw(WIDE)
    return OpCase(
        op, [numbers(draw(SEED), shape, kind, low, high), numbers(draw(SEED), shape, kind)]
    )


for _op in "SqrtGrad RsqrtGrad ReciprocalGrad InvGrad SigmoidGrad TanhGrad".split():
    DRAWS[_op] = _gradient_op(_op)
for _op in "ReluGrad Relu6Grad EluGrad SeluGrad SoftplusGrad SoftsignGrad LeakyReluGrad".split():
    DRAWS[_op] = _gradient_op(_op).map(
        lambda case: OpCase(case.op, case.inputs[::-1], gradient=False)
    )


@st.composite
def _reduction(draw, op, dtype=NUMBERS, extent=None):
    shape = draw(shapes() if extent is None else shapes(extent=extent))
    x = numbers(draw(SEED), shape, draw(dtype))
    return OpCase(op, [x, draw(axes_of(len(shape)))], {"keep_dims": draw(st.booleans())})


for _op in "Sum Max Min Mean EuclideanNorm".split():
    DRAWS[_op] = _reduction(_op, WIDE, SOME if _op in ("Mean", "EuclideanNorm") else None)
DRAWS["Prod"] = _reduction("Prod", WIDE, st.sampled_from([1, 2, 3]))
for _op in "All Any".split():
    DRAWS[_op] = _reduction(_op, st.just(np.bool_))


@st.composite
def _along(draw, op, extent=SOME, **choices):
    """Of an op along one axis, with attributes that are chosen."""
    shape = draw(shapes(1, 3, extent))
    axis = np.int32(draw(st.integers(-len(shape), len(shape) - 1)))
    x = numbers(draw(SEED), shape, draw(WIDE), 0.5, 1.5)
    return OpCase(op, [x, axis], {name: draw(values) for name, values in choices.items()})


for _op in "Cumsum Cumprod".split():
    DRAWS[_op] = _along(_op, exclusive=st.booleans(), reverse=st.booleans())
for _op in "ArgMax ArgMin".split():
    DRAWS[_op] = _along(_op, output_type=st.sampled_from(["int32", "int64"]))


@st.composite
def _clip(draw):
    x = numbers(draw(SEED), draw(shapes()), draw(WIDE))
    return OpCase("ClipByValue", [x, x.dtype.type(-1.05), x.dtype.type(1.05)])


DRAWS["ClipByValue"] = _clip()


@st.composite
def _sum_of_many(draw):
    shape, kind = draw(shapes()), draw(WIDE)
    return OpCase(
        "AddN", [[numbers(draw(SEED), shape, kind) for _ in range(draw(st.integers(1, 4)))]]
    )


DRAWS["AddN"] = _sum_of_many()
DRAWS["L2Loss"] = arrays(WIDE).map(lambda x: OpCase("L2Loss", [x]))


@st.composite
def _cast(draw):
    x = numbers(draw(SEED), draw(shapes()), draw(NUMBERS), 0, 100)
    wanted = draw(
        st.sampled_from(["float32", "float64", "int32", "int64", "uint8", "bool", "float16"])
    )
    return OpCase("Cast", [x], {"DstT": wanted}, gradient=False)


DRAWS["Cast"] = _cast()


@st.composite
def _select(draw):
    shape, kind = draw(shapes()), draw(WIDE)
    parts = [numbers(draw(SEED), shape, k) for k in (np.bool_, kind, kind)]
    return OpCase("SelectV2", parts)


DRAWS["SelectV2"] = _select()


@st.composite
def _complex(draw):
    shape, kind = draw(shapes()), draw(WIDE)
    kind_of_pair = {np.float32: "complex64", np.float64: "complex128"}[kind]
    parts = [numbers(draw(SEED), shape, kind) for _ in range(2)]
    return OpCase("Complex", parts, {"Tout": kind_of_pair})


DRAWS["Complex"] = _complex()
for _op in "Real Imag ComplexAbs Angle Conj".split():
    DRAWS[_op] = arrays(WIDE).map(
        lambda x, op=_op: OpCase(
            op,
            [(x + 1j * (4 - x)).astype("complex64" if x.dtype == np.float32 else "complex128")],
            {} if op == "Conj" else {"Tout": x.dtype.name},
        )
    )
