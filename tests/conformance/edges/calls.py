"""The functions, by what they take: (name, type) -> what is called on which arrays."""

import numpy as np

from tests.conformance.calling import call
from tests.conformance.edges import values
from tests.conformance.edges.values import COMPLEX, FLOATS, INTEGERS

WIDE = ("float32", "float64")
UNARY = (
    "Abs Acos Acosh Asin Asinh Atan Atanh BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 "
    "BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Ceil Cos Cosh Dawsn Digamma Elu Erf Erfc Erfinv Exp Expint "
    "Expm1 Floor FresnelCos FresnelSin Inv IsFinite IsInf IsNan Lgamma Log Log1p Ndtri Neg Reciprocal Relu Relu6 "
    "LeakyRelu Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Softsign Spence Sqrt Square Tan Tanh"
).split()
UNARY_INTEGER = "Abs Neg Sign Square Invert PopulationCount Relu Relu6 Ceil Floor Round".split()
UNARY_COMPLEX = (
    "Abs Angle Acos Acosh Asin Asinh Atan Atanh Conj Cos Cosh Exp Expm1 Inv Log Log1p Neg Reciprocal Rsqrt Sigmoid "
    "Sign Sin Sinh Sqrt Square Tan Tanh ComplexAbs"
).split()
BINARY = (
    "AddV2 Atan2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Igamma IgammaGradA Igammac Less LessEqual "
    "Maximum Minimum Mod Mul MulNoNan NextAfter NotEqual Polygamma Pow RealDiv SquaredDifference Sub TruncateDiv "
    "TruncateMod Xdivy Xlog1py Xlogy Zeta"
).split()
BINARY_INTEGER = (
    "AddV2 BitwiseAnd BitwiseOr BitwiseXor Equal Greater Less LessEqual Maximum Minimum Mul NotEqual "
    "SquaredDifference Sub"
).split()
DIVISIONS = "Div FloorDiv FloorMod Mod RealDiv TruncateDiv TruncateMod".split()
BINARY_COMPLEX = (
    "AddV2 Div DivNoNan Equal Mul MulNoNan NotEqual Pow RealDiv SquaredDifference Sub Xdivy Xlog1py Xlogy"
).split()
SLOPES = (
    "SigmoidGrad TanhGrad SqrtGrad RsqrtGrad ReciprocalGrad SoftplusGrad SoftsignGrad EluGrad SeluGrad ReluGrad "
    "Relu6Grad LeakyReluGrad"
).split()
REDUCTIONS = "Max Min Sum Prod Mean EuclideanNorm ArgMax ArgMin".split()
NUMBERS = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
# Functions of TensorFlow's that are made of several ops.
MADE = {
    "gelu": lambda tf, x: tf.nn.gelu(x),
    "silu": lambda tf, x: tf.nn.silu(x),
    "clip_by_value": lambda tf, x: tf.clip_by_value(x, -2.0, 2.0),
    "log_sigmoid": lambda tf, x: tf.math.log_sigmoid(x),
    "pow 2": lambda tf, x: x**2,
    "pow half": lambda tf, x: x**0.5,
    "pow 3": lambda tf, x: x**3.0,
    "pow -1": lambda tf, x: x**-1.0,
    "of 2 to the power": lambda tf, x: 2.0**x,
    "mod 2.5": lambda tf, x: x % 2.5,
    "floordiv 2.5": lambda tf, x: x // 2.5,
    "x - x": lambda tf, x: x - x,
    "0 x": lambda tf, x: x * 0.0,
    "x / x": lambda tf, x: x / x,
    "equal itself": lambda tf, x: x == x,
    "sinc": lambda tf, x: tf.experimental.numpy.sinc(x),
}


class Edge:
    """A function of arrays, whose outputs are as long as these if it works element by element."""

    def __init__(self, name, run, inputs, by_element=True):
        self.name, self.run, self.inputs, self.by_element = name, run, inputs, by_element


def of_op(op, attrs=None):
    """A function that calls an op."""
    return lambda tf, *tensors: call(tf, op, tensors, attrs or {})


def edges():
    """Yields every function on every type."""
    yield from of_one_number()
    yield from of_two_numbers()
    yield from casts()
    yield from gradients()
    yield from of_rows()


def of_one_number():
    """Yields functions of one number."""
    for kind in FLOATS:
        for op in UNARY:
            yield Edge(f"{op} {kind}", of_op(op), [values.line(kind)])
        for name, run in MADE.items():
            yield Edge(f"{name} {kind}", run, [values.line(kind)])
    for kind in INTEGERS:
        for op in UNARY_INTEGER:
            yield Edge(f"{op} {kind}", of_op(op), [values.line(kind)])
    for kind in COMPLEX:
        for op in UNARY_COMPLEX:
            yield Edge(f"{op} {kind}", of_op(op), [values.line(kind)])


def of_two_numbers():
    """Yields functions of two numbers, and of three."""
    for kind in FLOATS:
        for op in (*BINARY, *SLOPES):
            yield Edge(f"{op} {kind}", of_op(op), list(values.pairs(kind)))
    for kind in INTEGERS:
        for op in BINARY_INTEGER:
            yield Edge(f"{op} {kind}", of_op(op), list(values.pairs(kind)))
        x, y = values.pairs(kind)
        for op in DIVISIONS:
            yield Edge(f"{op} {kind}", of_op(op), [x[y != 0], y[y != 0]])
        few = (y >= 0) & (y < 8 * y.itemsize)
        for op in ("LeftShift", "RightShift"):
            yield Edge(f"{op} {kind}", of_op(op), [x[few], y[few]])
        yield Edge(f"Pow {kind}", of_op("Pow"), [x[few], y[few]])
    for kind in COMPLEX:
        for op in BINARY_COMPLEX:
            yield Edge(f"{op} {kind}", of_op(op), list(values.pairs(kind)))
    for kind in WIDE:
        line = np.array([np.nan, np.inf, 0.0, 0.5, 1.0, 2.0, 30.0, -1.0], kind)
        grid = np.meshgrid(line, line, np.array([np.nan, 0, 0.25, 0.5, 1, 2, -1], kind))
        yield Edge(f"Betainc {kind}", of_op("Betainc"), [a.reshape(-1) for a in grid])


def casts():
    """Yields casts of every type to every type."""
    for kind in NUMBERS:
        for to in NUMBERS:
            if to != kind:
                run = lambda tf, x, to=to: tf.raw_ops.Cast(x=x, DstT=getattr(tf, to))  # noqa: E731
                yield Edge(f"Cast {kind} {to}", run, [values.line(kind)])


def gradients():
    """Yields gradients of functions of one and two numbers."""

    def gradient(tf, *tensors, run):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = run(tf, *tensors)
        found = tape.gradient(y, list(tensors))
        return [tf.zeros_like(x) if g is None else g for x, g in zip(tensors, found, strict=True)]

    def of(run):
        return lambda tf, *tensors: gradient(tf, *tensors, run=run)

    for kind in WIDE:
        for op in UNARY:
            if not op.startswith("Is"):
                yield Edge(f"gradient {op} {kind}", of(of_op(op)), [values.line(kind)])
        for name, run in MADE.items():
            if name != "equal itself":
                yield Edge(f"gradient {name} {kind}", of(run), [values.line(kind)])
        for op in BINARY:
            if op not in ("Igammac", "IgammaGradA", "NextAfter", "TruncateMod", "Mod"):
                yield Edge(f"gradient {op} {kind}", of(of_op(op)), list(values.pairs(kind)))


def rows(kind):
    """Rows of nine numbers with special ones at each end and in the middle."""
    plain = (
        np.arange(9) - 3
        if kind not in ("bool", "uint8", "uint16", "uint32", "uint64")
        else np.arange(9)
    )
    plain = plain.astype(values.dtype(kind))
    found = [plain]
    for special in values.line(kind)[:9]:
        for place in (0, 4, 8):
            row = plain.copy()
            row[place] = special
            found.append(row)
    return np.stack([*found, np.full(9, values.line(kind)[0]), np.full(9, values.line(kind)[1])])


def of_rows():
    """Yields functions of rows: reductions, cumulative sums, softmax, sorting."""
    axis = np.int32(1)
    for kind in (*INTEGERS, *FLOATS, "complex64"):
        for op in REDUCTIONS:
            yield Edge(f"{op} {kind}", lambda tf, x, op=op: call(tf, op, [x, tf.constant(axis)], {}), [rows(kind)], False)  # fmt: skip
        for op in ("Cumsum", "Cumprod", "CumulativeLogsumexp"):
            yield Edge(f"{op} {kind}", lambda tf, x, op=op: call(tf, op, [x, tf.constant(axis)], {}), [rows(kind)], False)  # fmt: skip
        yield Edge(f"TopKV2 {kind}", lambda tf, x: call(tf, "TopKV2", [x, tf.constant(4)], {}), [rows(kind)], False)  # fmt: skip
        for direction in ("ASCENDING", "DESCENDING"):
            yield Edge(f"sort {direction} {kind}", lambda tf, x, d=direction: tf.sort(x, direction=d), [rows(kind)], False)  # fmt: skip
            yield Edge(f"argsort {direction} {kind}", lambda tf, x, d=direction: tf.argsort(x, direction=d, stable=True), [rows(kind)], False)  # fmt: skip
    for kind in FLOATS:
        for op in ("Softmax", "LogSoftmax"):
            yield Edge(f"{op} {kind}", of_op(op), [rows(kind)], False)
        yield Edge(
            f"logsumexp {kind}", lambda tf, x: tf.reduce_logsumexp(x, 1), [rows(kind)], False
        )
        yield Edge(f"moments {kind}", lambda tf, x: tf.nn.moments(x, [1]), [rows(kind)], False)
