"""Leaves, elementwise kinds and casts."""

from collections.abc import Callable, Sequence

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.stablehlo.reductions import reduced
from penstock._src.formats.stablehlo.writer import WRITERS, Value, Writer, writes
from penstock._src.ir.meaning.recurrences import Recurrence, as_node
from penstock._src.ir.node import Node

# Functions whose name or dialect differs from ours; CHLO's are expanded by every consumer of StableHLO.
UNARY = {
    "neg": "negate",
    "exp": "exponential",
    "expm1": "exponential_minus_one",
    "log1p": "log_plus_one",
    "sin": "sine",
    "cos": "cosine",
    "sigmoid": "logistic",
    "round": "round_nearest_even",
    "popcount": "popcnt",
    "lgamma": "chlo.lgamma",
    **{name: f"chlo.{name}" for name in ("erf", "erfc", "asin", "acos", "atan", "sinh", "cosh")},
    **{name: f"chlo.{name}" for name in ("tan", "asinh", "acosh", "atanh")},
}
BINARY = {"sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power"}
SHIFTS = {
    "shift_left": "shift_left",
    "shift_right": "shift_right_arithmetic",
    "shift_right_logical": "shift_right_logical",
}


@writes("constant")
def _constant(w: Writer, node: Node) -> Value:
    return w.constant(node.attrs["value"], node.dtype)


@writes("size")
def _size(w: Writer, node: Node) -> Value:
    numbers = np.array([int(d) for d in node.attrs["dims"]], np.int64)
    return w.constant(numbers.reshape([int(n) for n in node.shape]), node.dtype)


@writes("iota")
def _iota(w: Writer, node: Node) -> Value:
    return w.iota(node.shape, node.attrs["axis"], node.dtype)


@writes("unary")
def _unary(w: Writer, node: Node, x: Value) -> Value:
    composed = COMPOSED.get(node.op)
    if composed is not None:
        return composed(w, x)
    return w.op(UNARY.get(node.op, node.op), [x], node.shape, node.dtype)


def _is_inf(w: Writer, x: Value) -> Value:
    size = w.elementwise("abs", x)
    return w.compare("EQ", size, w.splat(np.inf, size))


def _reciprocal(w: Writer, x: Value) -> Value:
    one = w.splat(1, x)
    return w.elementwise("divide", one, x) if _has_division(x) else _truncdiv(w, one, x)


def _real_part(w: Writer, x: Value, part: str) -> Value:
    return w.op(part, [x], x.shape, x.dtype.real_dtype)


def _conj(w: Writer, x: Value) -> Value:
    imag = w.elementwise("negate", _real_part(w, x, "imag"))
    return w.op("complex", [_real_part(w, x, "real"), imag], x.shape, x.dtype)


COMPOSED: dict[str, Callable[[Writer, Value], Value]] = {
    "square": lambda w, x: w.elementwise("multiply", x, x),
    "reciprocal": _reciprocal,
    "is_finite": lambda w, x: w.op("is_finite", [x], x.shape, dtypes.bool_),
    "is_nan": lambda w, x: w.compare("NE", x, x),
    "is_inf": _is_inf,
    "real": lambda w, x: _real_part(w, x, "real"),
    "imag": lambda w, x: _real_part(w, x, "imag"),
    "conj": _conj,
}


@writes("binary")
def _binary(w: Writer, node: Node, x: Value, y: Value) -> Value:
    if node.op in SHIFTS:
        bits = 8 * x.dtype.size
        amount = w.elementwise("clamp", w.splat(0, y), y, w.splat(bits - 1, y))
        op = "shift_right_logical" if x.dtype.is_unsigned and node.op == "shift_right" else node.op
        return w.elementwise(SHIFTS[op], x, amount)
    if node.op in DIVISIONS:
        return DIVISIONS[node.op](w, x, y)
    return w.op(BINARY.get(node.op, node.op), [x, y], node.shape, node.dtype)


def _has_division(x: Value) -> bool:
    return x.dtype.is_floating or x.dtype.is_complex


def _nonzero(w: Writer, x: Value, y: Value, compute: Callable[[Value], Value]) -> Value:
    """An integer division of x by y, 0 where y is 0."""
    zero = w.splat(0, y)
    is_zero = w.compare("EQ", y, zero)
    return w.select(is_zero, w.splat(0, x), compute(w.select(is_zero, w.splat(1, y), y)))


def _truncated(w: Writer, x: Value) -> Value:
    negative = w.compare("LT", x, w.splat(0, x))
    return w.select(negative, w.elementwise("ceil", x), w.elementwise("floor", x))


def _truncdiv(w: Writer, x: Value, y: Value) -> Value:
    if _has_division(x):
        return _truncated(w, w.elementwise("divide", x, y))
    return _nonzero(w, x, y, lambda safe: w.elementwise("divide", x, safe))


def _truncmod(w: Writer, x: Value, y: Value) -> Value:
    if _has_division(x):
        return w.elementwise("remainder", x, y)
    return _nonzero(w, x, y, lambda safe: w.elementwise("remainder", x, safe))


def _signs_differ(w: Writer, rest: Value, y: Value) -> Value:
    """True if a remainder is not 0 and has another sign than the divisor."""
    zero = w.splat(0, y)
    differ = w.compare("NE", w.compare("LT", rest, zero), w.compare("LT", y, zero))
    return w.elementwise("and", differ, w.compare("NE", rest, zero))


def _floordiv(w: Writer, x: Value, y: Value) -> Value:
    if _has_division(x):
        return w.elementwise("floor", w.elementwise("divide", x, y))

    def compute(safe: Value) -> Value:
        quotient = w.elementwise("divide", x, safe)
        below = _signs_differ(w, w.elementwise("remainder", x, safe), safe)
        return w.elementwise("subtract", quotient, w.convert(below, x.dtype))

    return _nonzero(w, x, y, compute)


def _mod(w: Writer, x: Value, y: Value) -> Value:
    def compute(safe: Value) -> Value:
        rest = w.elementwise("remainder", x, safe)
        return w.select(_signs_differ(w, rest, safe), w.elementwise("add", rest, safe), rest)

    return compute(y) if _has_division(x) else _nonzero(w, x, y, compute)


DIVISIONS = {"truncdiv": _truncdiv, "truncmod": _truncmod, "floordiv": _floordiv, "mod": _mod}


@writes("compare")
def _compare(w: Writer, node: Node, x: Value, y: Value) -> Value:
    return w.compare(node.op.upper(), x, y)


@writes("select")
def _select(w: Writer, _node: Node, condition: Value, x: Value, y: Value) -> Value:
    return w.select(condition, x, y)


@writes("cast")
def _cast(w: Writer, node: Node, x: Value) -> Value:
    if node.dtype == dtypes.bool_:
        return w.compare("NE", x, w.splat(0, x))
    return w.convert(x, node.dtype)


@writes("iterate")
def _iterate(w: Writer, node: Node, *args: Value) -> Value:
    return iterated(w, node.attrs["recurrence"], args)[node.attrs["index"]]


def iterated(w: Writer, recurrence: Recurrence, args: Sequence[Value]) -> list[Value]:
    """The carried values after the last step: a while that goes on until all elements are done."""
    if recurrence.goes_on is None:
        return _step(w, recurrence, recurrence.following, args)
    goes_on = recurrence.goes_on
    state, rest = args[: recurrence.carried], args[recurrence.carried :]
    types = [(v.shape, v.dtype) for v in state]

    def condition(inner: Writer, own: Sequence[Value]) -> list[Value]:
        (active,) = _step(inner, recurrence, (goes_on,), [*own, *rest])
        return [reduced(inner, active, "any", range(len(active.shape)))]

    def body(inner: Writer, own: Sequence[Value]) -> list[Value]:
        wanted = (goes_on, *recurrence.following)
        active, *following = _step(inner, recurrence, wanted, [*own, *rest])
        return [inner.select(active, new, old) for new, old in zip(following, own, strict=True)]

    regions = [w.region(types, condition), w.region(types, body)]
    return w.op_of_many("while", state, types, "", regions)


def _step(
    w: Writer, recurrence: Recurrence, wanted: Sequence[int], args: Sequence[Value]
) -> list[Value]:
    """Some values of one step."""
    first, shape = len(recurrence.types), args[0].shape
    values = dict(enumerate(args))
    for at in recurrence.needed(wanted):
        instruction = recurrence.instructions[at]
        if instruction.kind == "constant":
            number = w.constant(instruction.number(), instruction.dtype)
            values[first + at] = w.broadcast(number, shape)
            continue
        inputs = [values[v] for v in instruction.args]
        values[first + at] = WRITERS[instruction.kind](w, as_node(instruction, shape), *inputs)
    return [values[v] for v in wanted]


@writes("bitcast")
def _bitcast(w: Writer, node: Node, x: Value) -> Value:
    return w.op("bitcast_convert", [x], node.shape, node.dtype)
