"""The kinds of nodes that compiled code may round otherwise, or decide otherwise where their arguments are not certain."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.compiler.check.members import ROUNDED, Members, Step, Value, of, unified
from penstock._src.compiler.check.noise import OTHERS, ULPS, is_floating, is_narrow, spacing, wide
from penstock._src.ir.meaning import scalars
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES

DOUBT = 8.0  # times the members' spread: distance from its threshold within which a decision may go either way
SINGLE = spacing(np.dtype(np.float32))
ADDED_UP = 64.0  # units in the last place by which a recurrence may round differently
STEPS = frozenset("sign floor ceil round is_finite is_nan is_inf".split())
# IEEE 754 rounds these exactly: members differ by their arguments alone.
EXACT = frozenset("neg abs not real imag conj popcount sqrt square reciprocal".split())
QUOTIENTS = frozenset("floordiv mod truncdiv truncmod".split())


def doubt_of(members: Members) -> float:
    """The factor of the members' spread within which a decision near its threshold may go either way."""
    return DOUBT / members.loud


def precision(dtype: np.dtype) -> float:
    """The distance from 1 to the next number in which a type is computed."""
    return SINGLE if is_narrow(dtype) else spacing(dtype)


def rounded(
    members: Members, node: Node, values: list[Any], ulps: float, least: Any = None
) -> Value:
    """Results in double precision, in the node's type: members are off by some units in the last place.

    `least`: the error is at least that of a result of this size.
    """
    dtype = node.dtype.np
    results = [as_type(values[0], node)]
    amount = ulps * precision(dtype) * (DOUBT if is_narrow(dtype) and members.flips else 1)
    for k in range(members.count):
        value = members.noise.scaled(of(values, k + 1), amount)
        if least is not None:
            value = value + least * (members.noise.factors(value.shape, amount) - 1)
        results.append(as_type(value, node))
    return unified(results)


def as_type(value: Any, node: Node) -> np.ndarray:
    """A value in double precision, as a narrow type by way of float32."""
    dtype = node.dtype.np
    value = np.asarray(value)
    if value.dtype == dtype:
        return value
    if is_narrow(dtype):
        value = value.astype(np.float32)
    return value.astype(dtype)


def deviation(value: Value) -> Any:
    """The distance of members from the center, element by element; infinite where only some are finite."""
    if len(value) == 1:
        return 0.0
    kind = wide(value[0].dtype)
    center = value[0].astype(kind)
    largest = np.zeros(center.shape)
    for member in value[1:]:
        other = member.astype(kind)
        away = np.abs(other - center)
        same = (other == center) | (np.isnan(other) & np.isnan(center))
        largest = np.maximum(largest, np.where(same, 0, np.where(np.isnan(away), np.inf, away)))
    return largest


def undecided(members: Members, values: list[Any], low: Any, high: Any) -> Value:
    """Decisions of members; where they agree, though `low` and `high` do not, each takes one of those by chance."""
    open_ = low != high
    for other in values[1:]:
        open_ = open_ & (values[0] == other)
    if not open_.any():
        return unified(values)
    values = values if len(values) > 1 else values * (members.count + 1)
    return [values[0]] + [
        np.where(open_, np.where(members.noise.coins(open_.shape), low, high), m).astype(m.dtype)
        for m in values[1:]
    ]


def _shifted(x: np.ndarray, by: Any) -> np.ndarray:
    if not is_floating(x.dtype):
        return x
    return (x.astype(wide(x.dtype)) + by).astype(x.dtype)


def meaning(node: Node) -> Callable[[list[Any]], Any]:
    evaluate = PRIMITIVES[node.kind].evaluate
    return lambda args: np.asarray(evaluate(args, node))


def unary(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    (x,) = args
    dtype = x[0].dtype
    if not is_floating(dtype):
        return members.plain(node, args)
    # All members may be on one side of a step by chance: inputs nearby tell.
    if node.op in STEPS and dtype.kind != "c":
        if len(x) == 1 or not members.flips:
            return members.plain(node, args)
        compute, doubt = meaning(node), doubt_of(members) * deviation(x)
        results = members.each(compute, args)
        low, high = compute([_shifted(x[0], -doubt)]), compute([_shifted(x[0], doubt)])
        return undecided(members, results, low, high)
    if node.op in EXACT and (dtype.kind != "c" or node.op in ("neg", "real", "imag", "conj")):
        return _louder(members, scalars.UNARY[node.op], members.plain(node, args), args)
    compute = scalars.UNARY[node.op]
    values = members.each(lambda a: compute(a[0].astype(wide(dtype))), args)
    ulps = OTHERS if dtype.kind == "c" else ULPS[node.op]
    if node.op == "lgamma" and dtype == np.float64:  # Python's, which is right to its largest term
        size = np.abs(x[0])
        return rounded(members, node, values, ulps, least=1 + size * np.log1p(size))
    return rounded(members, node, values, ulps)


def binary(members: Members, step: Step, args: list[Value]) -> Value:
    node, op = step.node, step.node.op
    dtype = args[0][0].dtype
    if not is_floating(dtype):
        return members.plain(node, args)
    if op in QUOTIENTS:
        return _quotient(members, node, args)
    if op in ("pow", "atan2") or (dtype.kind == "c" and op in ("mul", "div")):
        compute = scalars.BINARY[op]
        values = members.each(lambda a: compute(*[x.astype(wide(dtype)) for x in a]), args)
        return rounded(members, node, values, OTHERS if dtype.kind == "c" else ULPS[op])
    if step.products and members.count and not is_narrow(dtype):
        args = list(args)
        for i in step.products:
            args[i] = _unrounded(members, args[i])
    return _louder(members, scalars.BINARY[op], members.plain(node, args), args)


def _louder(
    members: Members, compute: Callable[..., Any], results: Value, args: list[Value]
) -> Value:
    """The results of operations that IEEE 754 rounds exactly, with enlarged roundings for loud members."""
    if members.loud == 1 or len(results) == 1 or results[0].dtype.kind == "c":
        return results
    loud = [results[0]]
    for k, member in enumerate(results[1:], 1):
        # With digits enough to see how far the rounded result is from the exact one.
        kind = np.longdouble if member.dtype == np.float64 else np.float64
        exact = compute(*[of(a, k).astype(kind) for a in args])
        loud.append(members.noise.louder(member.astype(kind), exact).astype(member.dtype))
    return unified(loud)


def _unrounded(members: Members, product: Value) -> Value:
    """A product before it is rounded, as an FMA takes it. One that is a small whole number was not rounded."""
    results = [product[0]]
    for k in range(members.count):
        value = of(product, k + 1)
        off = members.noise.scaled(value, precision(value.dtype)).astype(value.dtype)
        if value.dtype.kind == "f":
            off = np.where(_is_whole(value), value, off)
        results.append(off)
    return unified(results)


def _is_whole(x: np.ndarray) -> np.ndarray:
    """A mask of the numbers that are small multiples of a half."""
    # Products of small whole numbers and halves are exact, with and without FMA.
    return (np.abs(x) < 2**20) & (x * 2 == np.rint(x * 2))


def _quotient(members: Members, node: Node, args: list[Value]) -> Value:
    """Whole quotients and their remainders."""
    x, y = args
    if len(x) == len(y) == 1 or not members.flips:
        return members.plain(node, args)
    compute = meaning(node)
    results = members.each(compute, args)
    kind = wide(x[0].dtype)
    a, b = x[0].astype(kind), y[0].astype(kind)
    doubt = doubt_of(members) * (deviation(x) + np.abs(a / b) * deviation(y))
    doubt = np.where(np.isfinite(doubt), doubt, 0)
    whole = np.floor if node.op in ("floordiv", "mod") else np.trunc
    crossed = whole((a - doubt) / b) != whole((a + doubt) / b)
    low = np.where(crossed, compute([_shifted(x[0], -doubt), y[0]]), results[0])
    high = np.where(crossed, compute([_shifted(x[0], doubt), y[0]]), results[0])
    if not crossed.any():
        return unified(results)
    return [results[0]] + [
        np.where(crossed, np.where(members.noise.coins(crossed.shape), low, high), m).astype(
            m.dtype
        )
        for m in results[1:]
    ]


def compare(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    x, y = args
    if not is_floating(x[0].dtype) or len(x) == len(y) == 1 or not members.flips:
        return members.plain(node, args)
    results = members.each(meaning(node), args)
    kind = wide(x[0].dtype)
    doubt = doubt_of(members) * (deviation(x) + deviation(y))
    near = (doubt > 0) & ~(np.abs(x[0].astype(kind) - y[0].astype(kind)) > doubt)
    return undecided(members, results, np.zeros(near.shape, bool), near)


def cast(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    (x,) = args
    source, target = x[0].dtype, node.dtype.np
    if len(x) == 1 or not is_floating(source) or source == target or not members.flips:
        return members.plain(node, args)
    if is_floating(target) and spacing(target) <= spacing(source):
        return members.plain(node, args)
    results = members.each(meaning(node), args)
    doubt = doubt_of(members) * deviation(x)
    if target.kind == "b":
        near = (doubt > 0) & ~(np.abs(x[0].astype(wide(source))) > doubt)
        return undecided(members, results, np.zeros(near.shape, bool), near)
    low, high = (meaning(node)([_shifted(x[0], s * doubt)]) for s in (-1, 1))
    return undecided(members, results, low, high)


def iterate(members: Members, step: Step, args: list[Value]) -> Value:
    """Recurrences of each member's numbers; their own roundings add up, unless the result is narrower than the type of the computation."""
    node, dtype = step.node, step.node.dtype.np
    values = members.each(meaning(node), args)
    if not is_floating(dtype):
        return unified(values)
    types = [i.dtype.np for i in node.attrs["recurrence"].instructions]
    is_widest = all(not is_floating(t) or t.itemsize <= dtype.itemsize for t in types)
    return rounded(members, node, values, ADDED_UP if is_widest else 1.0)


def arg_reduce(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    (x,) = args
    if len(x) == 1 or not is_floating(x[0].dtype) or not members.flips:
        return members.plain(node, args)
    compute, doubt = meaning(node), doubt_of(members) * deviation(x)
    doubt = np.where(np.isfinite(doubt), doubt, 0)
    results = [compute([x[0]])]
    for k in range(members.count):
        sign = np.where(members.noise.coins(doubt.shape), 1, -1)
        # Each element moved up or down by chance: among nearly equal ones any may be the largest.
        results.append(compute([_shifted(x[k + 1], sign * doubt)]))
    return unified(results)


ROUNDED |= {
    "unary": unary,
    "binary": binary,
    "compare": compare,
    "cast": cast,
    "iterate": iterate,
    "arg_reduce": arg_reduce,
}
