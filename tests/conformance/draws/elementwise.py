"""Calls of ops that work element by element, and of comparisons."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import (
    SEED,
    TYPES,
    WIDE,
    arrays,
    broadcast_pairs,
    drawn,
    numbers,
    shapes,
    types,
)
from tests.harness.op_case import OpCase

DRAWS = {}

# Functions of one number, and where they are defined.
_DOMAINS = {
    **dict.fromkeys(
        "Exp Expm1 Sigmoid Tanh Erf Erfc Sin Cos Atan Sinh Cosh Asinh Softplus Softsign Elu Selu "
        "LeakyRelu Relu6 Relu Neg Square Abs Sign BesselI0 BesselI0e BesselI1 BesselI1e".split(),
        (-3, 3),
    ),
    **dict.fromkeys("Log Sqrt Rsqrt Lgamma Digamma Reciprocal Inv".split(), (0.2, 4)),
    **dict.fromkeys("BesselK0 BesselK0e BesselK1 BesselK1e".split(), (0.2, 6)),
    "Expint": (0.6, 5),
    "Dawsn": (-3, 3),
    "Spence": (0.2, 4),
    **dict.fromkeys("FresnelCos FresnelSin".split(), (-2, 2)),
    **dict.fromkeys("BesselJ0 BesselJ1".split(), (-6, 6)),
    **dict.fromkeys("BesselY0 BesselY1".split(), (0.6, 6)),
    **dict.fromkeys("Asin Acos Atanh Erfinv".split(), (-0.9, 0.9)),
    "Ndtri": (0.05, 0.95),
    "Acosh": (1.1, 5),
    "Log1p": (-0.8, 4),
    "Tan": (-1.2, 1.2),
}
_STEPS = "Floor Ceil Rint Round".split()
_TESTS = "IsFinite IsInf IsNan".split()


def _unary(op, low, high):
    return arrays(types(op), low=low, high=high).map(lambda x: OpCase(op, [x]))


def _unless_complex(case):
    """Of complex numbers TensorFlow's gradient is not the derivative."""
    return OpCase(
        case.op, case.inputs, gradient=False if case.inputs[0].dtype.kind == "c" else None
    )


for _op, _ends in _DOMAINS.items():
    DRAWS[_op] = _unary(_op, *_ends)
DRAWS["Sign"] = DRAWS["Sign"].map(_unless_complex)
# Its gradient is Polygamma, which takes wide numbers only.
DRAWS["Digamma"] = DRAWS["Digamma"].map(
    lambda case: OpCase(
        case.op, case.inputs, gradient=None if case.inputs[0].itemsize > 2 else False
    )
)
for _op in _STEPS:
    # TensorFlow's kernels of integers give zeros.
    DRAWS[_op] = arrays(types(_op, without="int8 int16 int32 int64")).map(
        lambda x, op=_op: OpCase(op, [x], gradient=False)
    )
for _op in _TESTS:
    DRAWS[_op] = arrays(types(_op)).map(
        lambda x, op=_op: OpCase(op, [np.where(x > 2, np.inf, np.where(x < -2, np.nan, x)).astype(x.dtype)])
    )  # fmt: skip
DRAWS["LogicalNot"] = arrays(st.just(np.bool_)).map(lambda x: OpCase("LogicalNot", [x]))
for _op in ("Invert", "PopulationCount"):
    DRAWS[_op] = arrays(types(_op), low=-100, high=100).map(lambda x, op=_op: OpCase(op, [x]))


@st.composite
def _binary(draw, op, low=-3, high=3, positive=False, apart=False, least=None):
    """Two arrays that broadcast; `positive`: the second has no zero; `apart`: no two are close."""
    first, second = draw(broadcast_pairs())
    kind = np.dtype(draw(types(op)))
    if least is not None and kind.kind not in "iu":
        low = least
    x = numbers(draw(SEED), first, kind, low, high)
    y = numbers(draw(SEED), second, kind, 0.3 if positive else low, high)
    if positive and kind.kind in "iu":
        y = np.maximum(y, kind.type(1))
    if apart and kind.kind == "f":
        x, y = np.round(x * 4) / 4, np.round(y * 4) / 4 + 0.1
        x, y = x.astype(kind), y.astype(kind)
    return OpCase(op, [x, y])


for _op in "AddV2 Add Sub Mul SquaredDifference".split():
    DRAWS[_op] = _binary(_op)
for _op in "Maximum Minimum".split():
    DRAWS[_op] = _binary(_op, apart=True)
for _op in "RealDiv Div DivNoNan Atan2".split():
    DRAWS[_op] = _binary(_op, positive=True)
for _op in "Xdivy Xlogy Xlog1py MulNoNan".split():
    DRAWS[_op] = _binary(_op, positive=True).map(_unless_complex)
for _op in "FloorDiv FloorMod TruncateDiv TruncateMod Mod".split():
    DRAWS[_op] = _binary(_op, low=-20, high=20, positive=True).map(
        lambda case: OpCase(case.op, case.inputs, gradient=False)
    )
DRAWS["Pow"] = _binary("Pow", low=0, high=3, least=0.3)
DRAWS["NextAfter"] = _binary("NextAfter")
for _op in "Equal NotEqual Less LessEqual Greater GreaterEqual".split():
    DRAWS[_op] = _binary(_op)
for _op in "BitwiseAnd BitwiseOr BitwiseXor".split():
    DRAWS[_op] = _binary(_op, low=-100, high=100)
for _op in "LeftShift RightShift".split():
    DRAWS[_op] = _binary(_op, low=0, high=7)


@st.composite
def _logical(draw, op):
    parts = [numbers(draw(SEED), shape, np.bool_) for shape in draw(broadcast_pairs())]
    return OpCase(op, parts)


for _op in "LogicalAnd LogicalOr".split():
    DRAWS[_op] = _logical(_op)


@drawn(DRAWS)
def ApproximateEqual(draw):
    x = draw(arrays(types("ApproximateEqual", without="bool complex64 complex128")))
    y = numbers(draw(SEED), x.shape, x.dtype)
    y = np.where(np.arange(x.size).reshape(x.shape) % 2, x, y)
    return OpCase("ApproximateEqual", [x, y], {"tolerance": draw(st.sampled_from([1e-5, 0.5]))})


@st.composite
def _gradient_op(draw, op, low=0.2, high=0.9):
    """Of an op that takes a value and an incoming gradient of equal shapes."""
    shape, kind = draw(shapes()), draw(types(op))
    return OpCase(
        op, [numbers(draw(SEED), shape, kind, low, high), numbers(draw(SEED), shape, kind)]
    )


for _op in "SqrtGrad RsqrtGrad ReciprocalGrad InvGrad SigmoidGrad TanhGrad".split():
    DRAWS[_op] = _gradient_op(_op)
for _op in "ReluGrad Relu6Grad EluGrad SeluGrad SoftplusGrad SoftsignGrad LeakyReluGrad".split():
    DRAWS[_op] = _gradient_op(_op).map(lambda case: OpCase(case.op, case.inputs[::-1]))


@st.composite
def _of_two(draw, op, first, second, gradient=None):
    """Of an op of two arrays of one shape, each with its range."""
    shape, kind = draw(shapes()), draw(types(op))
    parts = [numbers(draw(SEED), shape, kind, *limits) for limits in (first, second)]
    if op == "Polygamma":
        parts[0] = np.floor(parts[0])
    return OpCase(op, parts, gradient=gradient)


DRAWS["Polygamma"] = _of_two("Polygamma", (0, 4), (0.5, 4), gradient=False)  # orders are whole
DRAWS["Zeta"] = _of_two("Zeta", (1.5, 6), (0.5, 4), gradient=False)
for _op in ("IgammaGradA", "RandomGammaGrad"):
    DRAWS[_op] = _of_two(_op, (0.3, 5), (0.3, 5), gradient=False)
for _op in ("Igamma", "Igammac"):  # their gradient is IgammaGradA, which takes wide numbers only
    DRAWS[_op] = _of_two(_op, (0.3, 5), (0.3, 5), gradient=False)


@drawn(DRAWS)
def Betainc(draw):
    shape, kind = draw(shapes()), draw(types("Betainc"))
    ranges = (0.3, 5), (0.3, 5), (0.1, 0.9)
    parts = [numbers(draw(SEED), shape, kind, *limits) for limits in ranges]
    return OpCase("Betainc", parts, gradient=False)  # it has none by the parameters


@st.composite
def _fake_quantization(draw, op):
    """With a gradient if the op is one; its own is no limit of differences."""
    shape = draw(shapes(least=1 if "Channel" in op else 0))
    parts = [numbers(draw(SEED), shape, np.float32, -7, 7) for _ in range(1 + ("Gradient" in op))]
    attrs = {"num_bits": draw(st.integers(2, 16)), "narrow_range": draw(st.booleans())}
    if "Args" in op:
        attrs |= {"min": draw(st.sampled_from([-6.0, 0.0, -0.3])), "max": 5.0}
    else:
        bounds = shape[-1:] if "Channel" in op else ()
        limits = ((-6, -0.1), (0.1, 6))
        parts += [numbers(draw(SEED), bounds, np.float32, *ends) for ends in limits]
    return OpCase(op, parts, attrs, gradient=False)


for _op in "Args Vars VarsPerChannel".split():
    for _end in ("", "Gradient"):
        DRAWS[f"FakeQuantWithMinMax{_op}{_end}"] = _fake_quantization(
            f"FakeQuantWithMinMax{_op}{_end}"
        )


@st.composite
def _through_levels(draw, op):
    """Of what rounds to levels and back: with the range of all numbers or a given one, of all or of each place along an axis."""
    shape, kind = draw(shapes()), draw(types(op))
    has_axis = op != "QuantizeAndDequantize" and len(shape) > 0
    axis = draw(st.integers(-1, len(shape) - 1)) if has_axis else -1
    is_gradient = op.endswith("Grad")
    parts = [numbers(draw(SEED), shape, kind, -7, 7) for _ in range(1 + is_gradient)]
    given = True if 0 in shape else draw(st.booleans())
    signed = draw(st.booleans())
    bits = draw(st.integers(2, 16))
    attrs = {"signed_input": signed, "range_given": given}
    if op == "QuantizeAndDequantize":
        attrs |= {"num_bits": bits, "input_min": -5.5, "input_max": 4.5}
        return OpCase(op, parts, attrs, gradient=False)
    bounds = () if axis == -1 else (shape[axis],)
    parts += [numbers(draw(SEED), bounds, kind, *ends) for ends in ((-6, -0.1), (0.1, 6))]
    if is_gradient:
        return OpCase(op, parts, {"axis": axis}, gradient=False)
    attrs |= {"axis": axis, "narrow_range": draw(st.booleans())}
    if op.endswith("V3"):
        return OpCase(op, [*parts, np.int32(bits)], attrs, gradient=False)
    modes = st.sampled_from(["HALF_TO_EVEN", "HALF_UP"])
    return OpCase(op, parts, attrs | {"num_bits": bits, "round_mode": draw(modes)}, gradient=False)


for _end in ("", "V2", "V3", "V4", "V4Grad"):
    DRAWS[f"QuantizeAndDequantize{_end}"] = _through_levels(f"QuantizeAndDequantize{_end}")


@drawn(DRAWS)
def ClipByValue(draw):
    x = draw(arrays(types("ClipByValue", without="complex64 complex128"), shape=shapes()))
    low, high = (0, 2) if x.dtype.kind == "u" else (-1.05, 1.05)
    return OpCase("ClipByValue", [x, np.array(low).astype(x.dtype), np.array(high).astype(x.dtype)])


def _sum_of_many(op):
    @st.composite
    def strategy(draw):
        shape, kind = draw(shapes()), draw(types(op))
        parts = [numbers(draw(SEED), shape, kind) for _ in range(draw(st.integers(1, 4)))]
        return OpCase(op, [parts], {} if op == "AddN" else {"shape": list(shape)})

    return strategy()


for _op in ("AddN", "AccumulateNV2"):
    DRAWS[_op] = _sum_of_many(_op)


@drawn(DRAWS)
def Cross(draw):
    shape, kind = (*draw(shapes(most=3)), 3), draw(types("Cross"))
    return OpCase("Cross", [numbers(draw(SEED), shape, kind) for _ in range(2)])


@drawn(DRAWS)
def Cast(draw):
    kinds = st.sampled_from(list(TYPES.values()))
    x = numbers(draw(SEED), draw(shapes()), draw(kinds), 0, 100)
    return OpCase(
        "Cast", [x], {"DstT": draw(kinds).name, "Truncate": draw(st.booleans())}, gradient=False
    )


def _select(op):
    @st.composite
    def strategy(draw):
        shape, kind = draw(shapes()), draw(types(op))
        whole, part = draw(broadcast_pairs()) if op == "SelectV2" else (shape, shape)
        parts = [
            numbers(draw(SEED), s, k) for s, k in ((part, np.bool_), (whole, kind), (part, kind))
        ]
        return OpCase(op, parts)

    return strategy()


for _op in ("Select", "SelectV2"):
    DRAWS[_op] = _select(_op)


@drawn(DRAWS)
def Complex(draw):
    pair, kind = draw(broadcast_pairs()), draw(WIDE)
    kind_of_pair = {np.float32: "complex64", np.float64: "complex128"}[kind]
    return OpCase("Complex", [numbers(draw(SEED), s, kind) for s in pair], {"Tout": kind_of_pair})


for _op in "Real Imag ComplexAbs Angle Conj".split():
    DRAWS[_op] = arrays(WIDE).map(
        lambda x, op=_op: OpCase(
            op,
            [(x + 1j * (4 - x)).astype("complex64" if x.dtype == np.float32 else "complex128")],
            {} if op == "Conj" else {"Tout": x.dtype.name},
        )
    )

# What a kernel may take for special, between more numbers than a vector has.
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e30, -1e30, 88.8, -104.0, 2.5, -2.5, 1.5, 3.0]  # fmt: skip
SPECIAL_UNARY = [op for op in (*_DOMAINS, *_STEPS, *_TESTS) if not op.startswith("Bessel")]
SPECIAL_BINARY = """AddV2 Sub Mul SquaredDifference Maximum Minimum RealDiv DivNoNan Atan2 Xdivy Xlogy Xlog1py
    MulNoNan FloorDiv FloorMod Pow Equal NotEqual Less LessEqual Greater GreaterEqual""".split()


def special_cases():
    """Calls on numbers that are not finite, zeros with signs, and the ends of float32."""
    for kind in (np.float32, np.float64):
        line = np.array(SPECIAL).astype(kind)
        for op in SPECIAL_UNARY:
            # TensorFlow's kernel makes NaN of erf(inf) in float64.
            finite = op == "Erf" and kind is np.float64
            yield OpCase(op, [line[~np.isinf(line)] if finite else line])
        for op in SPECIAL_BINARY:
            yield OpCase(op, [np.repeat(line, len(line)), np.tile(line, len(line))])
