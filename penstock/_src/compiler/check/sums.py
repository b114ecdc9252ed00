"""The kinds of nodes that add up: sums, scans, products, scatters. Compiled code adds in orders of its own."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.check.members import (
    ROUNDED,
    Members,
    Step,
    Value,
    forgiving,
    of,
    unified,
)
from penstock._src.compiler.check.noise import is_floating, is_narrow, spacing, wide
from penstock._src.compiler.check.rounding import DOUBT, SINGLE, as_type, precision
from penstock._src.compiler.check.shares import Share
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES, split_spec
from penstock._src.ir.primitives.lines import Fft

TILES = 3.0  # times the error of the plain sum, of Winograd's
LANES = (1, 2, 4, 8, 16, 32)  # sums that run side by side
PART = 16_384  # terms of one of them, at most
PAIRED = 8  # NumPy adds up so few sums that lie side by side in another order


def parts(count: int) -> float:
    """Error bound of each term of a sum, in units in the last place: sums are divided into lanes and blocks.

    A running sum of n terms of either sign, of one size, is off by some sqrt(n)/3 such units of each term.
    """
    return max(1.0, math.sqrt(count) / 4)


def _accumulator(dtype: np.dtype) -> Any:
    """The type in which the center adds up."""
    if dtype.itemsize // (2 if dtype.kind == "c" else 1) < 8:
        return wide(dtype)
    # 80 bits on x86-64: the center has to be better than what it judges.
    return np.clongdouble if dtype.kind == "c" else np.longdouble


def _adds_exactly(x: np.ndarray, dtype: np.dtype) -> bool:
    """True if the numbers are integers so small that none of their sums is rounded."""
    if dtype.kind == "c" or not np.array_equal(x, np.rint(x)):
        return False
    return float(np.abs(x).sum()) < 1 / precision(dtype)


def reduce(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    x, *others = args
    dtype = x[0].dtype
    if node.op not in ("sum", "prod") or not is_floating(dtype):
        return members.plain(node, [x])
    add = np.add if node.op == "sum" else np.multiply
    axes = node.attrs["axes"]
    count = math.prod([x[0].shape[a] for a in axes])
    if count <= 1 or not x[0].size:
        return members.plain(node, [x])
    values = [_widened(v) for v in x]
    exact = add.reduce(values[0], axes, dtype=_accumulator(dtype))
    results = [as_type(exact, node)]
    if not members.count or (len(x) == 1 and node.op == "sum" and _adds_exactly(values[0], dtype)):
        return results if len(x) == 1 else [results[0]] * (members.count + 1)
    ulps = parts(count) if node.op == "sum" else 1.0
    for k in range(members.count):
        value = of(values, k + 1)
        # Half of the members each way: both are valid roundings.
        if k % 4 > 1 and step.share and members.ways.shares:
            total = _shared(members, step.share, [of(v, k + 1) for v in others])
        elif k % 2 and node.op == "sum":
            total = _added(members, value, axes, plain=k == 1)
            total = members.noise.louder(total, add.reduce(value, axes, dtype=_accumulator(dtype)))
        else:
            total = add.reduce(members.noise.scaled(value, ulps * precision(dtype)), axes)
        results.append(_off(members, node, total))
    return unified(results)


def _added(members: Members, x: np.ndarray, axes: Sequence[int], plain: bool) -> np.ndarray:
    """A sum in the type of its terms, one after the other, as they lie (`plain`) or in an order drawn at random.

    Equal terms err all in one direction, and terms that cancel along one axis give large sums in between where another
    axis, or every n-th of them, comes first: no independent errors show either.
    """
    kept = [i for i in range(x.ndim) if i not in axes]
    shape = [x.shape[i] for i in kept]
    nested, lanes, apart = list(axes), 1, False
    if not plain:
        draw = members.noise.draw
        nested = [int(i) for i in draw.permutation(nested)]
        for axis in nested:
            x = x.take(draw.permutation(x.shape[axis]), axis)
        lanes, apart = int(draw.choice(LANES)), draw.random() < 0.5
    terms = x.transpose([*nested, *kept]).reshape(-1, math.prod(shape))
    rows = -(-len(terms) // lanes)
    block = min(rows, PART)
    # Padded by zeros, which change no sum.
    rows = -(-rows // block) * block
    padded = np.zeros((rows * lanes, terms.shape[1]), x.dtype)
    padded[: len(terms)] = terms
    if apart:  # each lane sums a separate range
        padded = np.ascontiguousarray(padded.reshape(lanes, rows, -1).swapaxes(0, 1))
    blocks = padded.reshape(-1, block, lanes * terms.shape[1])
    if blocks.shape[2] < PAIRED:  # NumPy would add these up by pairs
        sums = np.add.accumulate(blocks, 1, x.dtype)[:, -1]
    else:
        sums = np.add.reduce(blocks, 1, x.dtype)
    lines = np.add.reduce(sums, 0, x.dtype).reshape(lanes, -1)
    return np.add.reduce(lines, 0, x.dtype).reshape(shape)


def _shared(members: Members, share: Share, operands: list[np.ndarray]) -> np.ndarray:
    """A sum as attention's backward kernel computes it."""
    weights, value, seed = [_widened(v).astype(np.float64) for v in operands]
    amount = precision(share.operands[0].dtype.np)
    # Matrix registers multiply probabilities in the type of the values.
    rounding = spacing(operands[1].dtype) if is_narrow(operands[1].dtype) else 0.0
    near = members.noise.scaled(weights, parts(weights.shape[-1]) * amount + rounding)
    exact = product(near, value, share.output)
    output = as_type(exact, share.product).astype(np.float64)
    near = members.noise.scaled(seed, parts(seed.shape[-1]) * amount)
    return product(near, members.noise.louder(output, exact), share.total)


def _widened(x: np.ndarray) -> np.ndarray:
    """A narrow type as float32, any other as it is."""
    return x.astype(np.float32) if is_narrow(x.dtype) else x


def _off(members: Members, node: Node, value: Any) -> np.ndarray:
    """A sum of one member, as it is rounded at the end."""
    dtype = node.dtype.np
    amount = precision(dtype) * (DOUBT if is_narrow(dtype) and members.flips else 1)
    return as_type(members.noise.scaled(np.asarray(value), amount), node)


def scan(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    (x,) = args
    dtype = x[0].dtype
    if node.op not in ("sum", "prod") or not is_floating(dtype):
        return members.plain(node, args)
    count = x[0].shape[node.attrs["axis"]]
    compute = _evaluate_as(node, wide(dtype))
    results = [as_type(compute([x[0].astype(wide(dtype))]), node)]
    if not members.count or (
        len(x) == 1 and node.op == "sum" and _adds_exactly(x[0].astype(wide(dtype)), dtype)
    ):
        return results if len(x) == 1 else [results[0]] * (members.count + 1)
    ulps = parts(count) if node.op == "sum" else 1.0
    for k in range(members.count):
        value = of(x, k + 1)
        if k % 2 and node.op == "sum":  # as in `_added`: equal terms err all in one direction
            narrow = _widened(value)
            running = _evaluate_as(node, narrow.dtype)([narrow])
            total = members.noise.louder(running, compute([value]))
        else:
            total = compute([members.noise.scaled(value, ulps * precision(dtype))])
        results.append(_off(members, node, total))
    return unified(results)


class _Wide:
    """A node as one of double precision, for the primitives' meanings."""

    def __init__(self, node: Node, dtype: Any) -> None:
        self.op, self.attrs, self.shape = node.attrs.get("op"), node.attrs, node.shape
        self.dtype = self
        self.np = np.dtype(dtype)


def _evaluate_as(node: Node, dtype: Any) -> Callable[[list[Any]], Any]:
    evaluate = PRIMITIVES[node.kind].evaluate
    wider: Any = _Wide(node, dtype)
    return lambda args: np.asarray(evaluate(args, wider))


def contract(members: Members, step: Step, args: list[Value]) -> Value:
    node, spec = step.node, step.node.attrs["spec"]
    x, y = args
    dtype = x[0].dtype
    if not is_floating(dtype):
        return unified(members.each(lambda a: product(a[0], a[1], spec), args))
    left, right, result = split_spec(spec)
    extents = {**dict(zip(left, x[0].shape)), **dict(zip(right, y[0].shape))}
    count = math.prod([n for letter, n in extents.items() if letter not in result])
    kind = wide(dtype)
    results = [as_type(product(x[0].astype(kind), y[0].astype(kind), spec), node)]
    by_tiles = _error_of_tiles(node, x[0], y[0]) if members.ways.tiles and members.count else None
    for k in range(members.count):
        a, b = of(x, k + 1), of(y, k + 1)
        exact = product(a.astype(kind), b.astype(kind), spec) if k % 2 and members.loud > 1 else 0
        amount = parts(count) * precision(dtype)
        if k % 2:
            a, b = _in_another_order(a, b, spec)
        elif a.size <= b.size:
            a = members.noise.scaled(a, amount)
        else:
            b = members.noise.scaled(b, amount)
        if dtype.itemsize <= (8 if dtype.kind == "c" else 4):
            single = np.complex64 if dtype.kind == "c" else np.float32
            a, b = a.astype(single), b.astype(single)
        value = product(a, b, spec)
        if k % 2:
            value = members.noise.louder(value, exact)
        if by_tiles is not None:
            value = value + by_tiles * (members.noise.factors(value.shape, 1.0) - 1)
        if is_narrow(node.dtype.np):
            if k % 4 > 1 and members.ways.scores:
                results.append(np.asarray(value, np.float32))
                continue
            value = members.noise.scaled(value, spacing(node.dtype.np))
        results.append(_off(members, node, value))
    return unified(results)


def _in_another_order(x: np.ndarray, y: np.ndarray, spec: str) -> tuple[np.ndarray, np.ndarray]:
    """Operands with the letters that are summed the other way round."""
    left, right, result = split_spec(spec)
    inner = [c for c in left if c in right and c not in result]
    x = np.flip(x, tuple([left.index(c) for c in inner]))
    return x, np.flip(y, tuple([right.index(c) for c in inner]))


def _error_of_tiles(node: Node, x: np.ndarray, y: np.ndarray) -> Any:
    """The possible error of Winograd's algorithm; None for a node that it does not compute.

    Every output of a tile has errors of the largest numbers of all of the tile's inputs, also where its own are zero. Here
    the largest of the image are used for those of the tile.
    """
    left, right, result = split_spec(node.attrs["spec"])
    operands = [(node.args[0], x, left, y, right), (node.args[1], y, right, x, left)]
    for arg, image, letters, other, others in operands:
        attrs = arg.attrs
        if arg.kind != "windows" or tuple(attrs["size"]) != (3, 3) or x.dtype != np.float32:
            continue
        places = [*attrs["axes"], image.ndim - 2, image.ndim - 1]
        largest = np.abs(image).max(tuple(places), initial=0).astype(np.float64)
        rest = "".join([c for i, c in enumerate(letters) if i not in places])
        kept = "".join([c for c in result if c in rest + others])
        # Independent errors add up by their squares.
        squares = product(largest**2, other.astype(np.float64) ** 2, f"{rest},{others}->{kept}")
        shape = [1 if c not in kept else squares.shape[kept.index(c)] for c in result]
        return TILES * SINGLE * np.sqrt(squares).reshape(shape)
    return None


def product(x: np.ndarray, y: np.ndarray, spec: str) -> np.ndarray:
    """An einsum of two operands as a stack of matrix products."""
    left, right, result = split_spec(spec)
    if len(set(left)) < len(left) or len(set(right)) < len(right):
        return np.asarray(np.einsum(spec, x, y))
    x, left = _summed(x, left, right + result)
    y, right = _summed(y, right, left + result)
    stack = [c for c in result if c in left and c in right]
    rows = [c for c in result if c not in right]
    columns = [c for c in result if c not in left]
    inner = [c for c in left if c not in result]
    extents = {**dict(zip(left, x.shape)), **dict(zip(right, y.shape))}

    def folded(a: np.ndarray, letters: str, groups: Sequence[list[str]]) -> np.ndarray:
        order = [letters.index(c) for group in groups for c in group]
        shape = [math.prod([extents[c] for c in group]) for group in groups]
        return a.transpose(order).reshape(shape)

    a = folded(x, left, (stack, rows, inner))
    b = folded(y, right, (stack, inner, columns))
    letters = [*stack, *rows, *columns]
    matrix = np.matmul(a, b).reshape([extents[c] for c in letters])
    return matrix.transpose([letters.index(c) for c in result])


def _summed(x: np.ndarray, letters: str, needed: str) -> tuple[np.ndarray, str]:
    """An operand summed over the axes that no other operand has."""
    alone = [i for i, c in enumerate(letters) if c not in needed]
    if alone:
        x = x.sum(tuple(alone), dtype=x.dtype)
    return x, "".join([c for c in letters if c in needed])


def scatter(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    x, indices, updates = args
    dtype = x[0].dtype
    if node.op not in ("add", "mul") or not is_floating(dtype):
        return members.plain(node, args)
    evaluate = PRIMITIVES[node.kind].evaluate
    kind = wide(dtype)
    results = [
        as_type(evaluate([x[0].astype(kind), indices[0], updates[0].astype(kind)], node), node)
    ]
    if len(indices) > 1:
        node = forgiving(node)
    for k in range(members.count):
        a, i, u = (of(v, k + 1) for v in args)
        amount = _most(i) ** 0.5 * precision(dtype) if node.op == "add" else precision(dtype)
        start = members.noise.scaled(a, amount)
        value = evaluate([start, i, members.noise.scaled(u, amount)], node)
        results.append(as_type(value, node))
    return unified(results)


def fourier_transform(members: Members, step: Step, args: list[Value]) -> Value:
    node = step.node
    evaluate = PRIMITIVES[node.kind].evaluate
    x, roots = args
    amount = precision(x[0].dtype) * (1 + math.log2(len(roots[0])))
    results = [evaluate([x[0], roots[0]], node)]
    for k in range(members.count):
        results.append(evaluate([members.noise.scaled(of(x, k + 1), amount), roots[0]], node))
    return unified(results)


def _most(indices: np.ndarray) -> int:
    """The largest number of updates of one element."""
    vectors = indices.reshape(-1, indices.shape[-1])
    if not vectors.size:
        return 1
    return int(np.unique(vectors, axis=0, return_counts=True)[1].max())


ROUNDED |= {
    "reduce": reduce,
    "scan": scan,
    "contract": contract,
    "scatter": scatter,
    Fft.kind: fourier_transform,
}
