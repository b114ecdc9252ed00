"""The meaning of every kind in NumPy: the reference for all native code.

Each function takes `(args, node)`, arrays and the node, and returns an array (a list for a node with several results).
Narrow floats (half, bfloat16, float8) are computed in float32 and rounded once at the end of the node. Movements also
work on object arrays, in which the builder computes with shapes. `while` and `case` are in ir/interpreter.py.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.meaning import packed, random_streams, recurrences, scalars, trees
from penstock._src.ir.meaning.heaps import kept_by_heap
from penstock._src.ir.node import Node
from penstock._src.ir.shape_rules import split_spec

Arrays = Sequence[Any]


def ints(extents: Sequence[int]) -> tuple[int, ...]:
    """Dims as plain ints for NumPy."""
    return tuple([int(d) for d in extents])


def constant(_args: Arrays, node: Node) -> np.ndarray:
    return node.attrs["value"]


def size(_args: Arrays, node: Node) -> np.ndarray:
    return np.array(ints(node.attrs["dims"])).astype(node.dtype.np).reshape(ints(node.shape))


def iota(_args: Arrays, node: Node) -> np.ndarray:
    axis, shape = node.attrs["axis"], ints(node.shape)
    line = np.arange(shape[axis]).astype(node.dtype.np)
    return np.broadcast_to(line.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


def random_bits(args: Arrays, node: Node) -> np.ndarray:
    return random_streams.STREAMS[node.attrs["algorithm"]](
        args[0], args[1], int(node.attrs["count"])
    )


def widened(compute: Callable[..., Any], args: Arrays, node: Node) -> Any:
    """Computes with narrow floats in float32, and rounds the result to the node's type."""
    narrow = [a.dtype.itemsize <= 2 and a.dtype.kind in "fV" for a in args]
    if any(narrow):
        args = [a.astype(np.float32) if n else a for a, n in zip(args, narrow)]
    with np.errstate(all="ignore"):
        result = np.asarray(compute(*args))
    return result if result.dtype == node.dtype.np else result.astype(node.dtype.np)


def unpack(args: Arrays, node: Node) -> np.ndarray:
    return packed.unpack(args[0], packed.FORMATS[node.attrs["format"]])


def round_groups(args: Arrays, node: Node) -> np.ndarray:
    return packed.round_groups(args[0], node.attrs["size"])


def leaf_masks(args: Arrays, node: Node) -> np.ndarray:
    return trees.leaf_masks(args, node.attrs["strict"])


def tree_paths(args: Arrays, node: Node) -> np.ndarray:
    return trees.tree_paths(args, node.attrs["strict"], node.attrs["feature_bits"])


def unary(args: Arrays, node: Node) -> np.ndarray:
    return widened(scalars.UNARY[node.op], args, node)


def binary(args: Arrays, node: Node) -> np.ndarray:
    return widened(scalars.BINARY[node.op], args, node)


def compare(args: Arrays, node: Node) -> np.ndarray:
    return scalars.COMPARE[node.op](*args)


def select(args: Arrays, _node: Node) -> np.ndarray:
    return np.asarray(np.where(args[0], args[1], args[2]))


def iterate(args: Arrays, node: Node) -> np.ndarray:
    results = recurrences.results(node.attrs["recurrence"], args, _OF_ELEMENTS)
    return np.asarray(results[node.attrs["index"]])


def cast(args: Arrays, node: Node) -> np.ndarray:
    (x,) = args
    if node.dtype == dtypes.bool_:
        return x != np.zeros((), x.dtype)
    if x.dtype.kind == "c" and not node.dtype.is_complex:
        x = x.real
    with np.errstate(all="ignore"):
        if node.dtype == dtypes.float16 and x.dtype == np.float64:
            x = x.astype(np.float32)  # rounded twice, as generated code does
        return np.asarray(x).astype(node.dtype.np)


def bitcast(args: Arrays, node: Node) -> np.ndarray:
    (x,), target = args, node.dtype.np
    x = np.asarray(x, order="C")
    if target.itemsize == x.dtype.itemsize:
        return x.view(target)
    if target.itemsize < x.dtype.itemsize:
        return x.reshape(*x.shape, 1).view(target)
    return x.view(target).reshape(x.shape[:-1])


def reshape(args: Arrays, node: Node) -> np.ndarray:
    return np.reshape(args[0], ints(node.shape))


def transpose(args: Arrays, node: Node) -> np.ndarray:
    return np.transpose(args[0], node.attrs["perm"])


def broadcast(args: Arrays, node: Node) -> np.ndarray:
    (x,), shape = args, ints(node.shape)
    aligned = [1] * len(shape)
    for extent, axis in zip(np.shape(x), node.attrs["axes"]):
        aligned[axis] = extent
    return np.broadcast_to(np.reshape(x, aligned), shape)


def slice_(args: Arrays, node: Node) -> np.ndarray:
    bounds = zip(*[ints(node.attrs[name]) for name in ("starts", "limits", "strides")])
    return args[0][tuple([slice(*bound) for bound in bounds])]


def _padded(x: np.ndarray, fill: Any, amounts: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """x with (low, high, interior) fill along each axis."""
    spread = [n + i * (n - 1) if n else 0 for n, (_, _, i) in zip(x.shape, amounts)]
    if spread != list(x.shape):
        wide = np.full(spread, fill, x.dtype)
        wide[tuple([slice(None, None, i + 1) for _, _, i in amounts])] = x
        x = wide
    cuts = [slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in zip(x.shape, amounts)]
    x = x[tuple(cuts)]
    around = [(max(low, 0), max(high, 0)) for low, high, _ in amounts]
    if not any(low or high for low, high in around):
        return x
    whole = np.full([n + low + high for n, (low, high) in zip(x.shape, around)], fill, x.dtype)
    whole[tuple([slice(low, low + n) for n, (low, _) in zip(x.shape, around)])] = x
    return whole


def pad(args: Arrays, node: Node) -> np.ndarray:
    names = ("low", "high", "interior")
    return _padded(args[0], args[1], list(zip(*[ints(node.attrs[name]) for name in names])))


def reverse(args: Arrays, node: Node) -> np.ndarray:
    return np.flip(args[0], node.attrs["axes"])


def concat(args: Arrays, node: Node) -> np.ndarray:
    return np.concatenate(args, node.attrs["axis"])


def windows(args: Arrays, node: Node) -> np.ndarray:
    (x, fill), attrs = args, node.attrs
    amounts = [(0, 0, 0)] * x.ndim
    for i, axis in enumerate(attrs["axes"]):
        amounts[axis] = (
            int(attrs["low"][i]),
            int(attrs["high"][i]),
            int(attrs["base_dilations"][i]) - 1,
        )
    spread = [n + low + high + i * max(n - 1, 0) for n, (low, high, i) in zip(x.shape, amounts)]
    # A view of the padded array needs no copy for each window, but the padded array may be huge.
    if math.prod(spread) > 2 * (x.size + math.prod(ints(node.shape))):
        return _gathered_windows(x, fill, node)
    x = _padded(x, fill, amounts)
    strides, inner = list(x.strides), []
    for i, axis in enumerate(attrs["axes"]):
        inner.append(x.strides[axis] * int(attrs["dilations"][i]))
        # The stride of a single position is not used, and may overflow an address.
        step = int(attrs["strides"][i]) if int(node.shape[axis]) > 1 else 1
        strides[axis] = x.strides[axis] * step
    shape = ints(node.shape)
    if 0 in shape:
        return np.empty(shape, x.dtype)
    return np.lib.stride_tricks.as_strided(x, shape, (*strides, *inner), writeable=False)


def _gathered_windows(x: np.ndarray, fill: Any, node: Node) -> np.ndarray:
    """`windows` by gathering each element, for padding that is far larger than the result."""
    names = ("axes", "size", "strides", "dilations", "low", "base_dilations")
    for axis, size, stride, dilation, low, base in zip(*[ints(node.attrs[n]) for n in names]):
        n = x.shape[axis]
        at = np.arange(int(node.shape[axis]))[:, None] * stride + np.arange(size) * dilation - low
        inside = (at >= 0) & (at <= (n - 1) * base) & (at % base == 0)
        end = np.full([1 if i == axis else m for i, m in enumerate(x.shape)], fill, x.dtype)
        x = np.take(np.concatenate([x, end], axis), np.where(inside, at // base, n), axis)
        x = np.moveaxis(x, axis + 1, -1)
    return x


def _block(starts: Arrays, sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    firsts = [min(max(int(s), 0), n - size) for s, size, n in zip(starts, sizes, shape)]
    return tuple([slice(first, first + size) for first, size in zip(firsts, sizes)])


def dynamic_slice(args: Arrays, node: Node) -> np.ndarray:
    x, *starts = args
    return x[_block(starts, ints(node.shape), x.shape)]


def dynamic_update_slice(args: Arrays, _node: Node) -> np.ndarray:
    x, update, *starts = args
    result = np.array(x)
    result[_block(starts, update.shape, x.shape)] = update
    return result


_REDUCE = {"sum": np.add, "prod": np.multiply, "any": np.logical_or, "all": np.logical_and}


def lowest(dtype: np.dtype) -> Any:
    """The identity of a maximum."""
    if dtype.kind in "iub":
        return False if dtype.kind == "b" else np.iinfo(dtype).min
    return -np.inf


def highest(dtype: np.dtype) -> Any:
    """The identity of a minimum."""
    if dtype.kind in "iub":
        return True if dtype.kind == "b" else np.iinfo(dtype).max
    return np.inf


def reduce(args: Arrays, node: Node) -> np.ndarray:
    op, axes = node.op, node.attrs["axes"]

    def compute(x: Any) -> Any:
        if op in ("max", "min"):
            initial = lowest(x.dtype) if op == "max" else highest(x.dtype)
            return (np.maximum if op == "max" else np.minimum).reduce(x, axes, initial=initial)
        # In float64, as a reference must be exact: NumPy's running sum along an outer axis loses digits with its length.
        wide = {"i": x.dtype, "u": x.dtype, "f": np.float64, "c": np.complex128}.get(x.dtype.kind)
        return _REDUCE[op].reduce(x, axes, dtype=wide)

    return widened(compute, args, node)


def arg_reduce(args: Arrays, node: Node) -> np.ndarray:
    (x,), find = args, np.argmax if node.op == "max" else np.argmin
    if x.shape[node.attrs["axis"]] == 0:
        return np.zeros(ints(node.shape), node.dtype.np)
    if x.dtype.kind == "V":
        x = x.astype(np.float32)
    return np.asarray(find(x, axis=node.attrs["axis"])).astype(node.dtype.np)


_SCAN = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def scan(args: Arrays, node: Node) -> np.ndarray:
    op, axis = node.op, node.attrs["axis"]

    def compute(x: Any) -> Any:
        if node.attrs["reverse"]:
            x = np.flip(x, axis)
        total = _SCAN[op].accumulate(x, axis, dtype=x.dtype if x.dtype.kind in "iu" else None)
        if node.attrs["exclusive"] and x.shape[axis]:
            edge = {"sum": 0, "prod": 1, "max": lowest(x.dtype), "min": highest(x.dtype)}[op]
            first = np.full_like(total.take([0], axis), edge)
            total = np.concatenate([first, total.take(range(x.shape[axis] - 1), axis)], axis)
        return np.flip(total, axis) if node.attrs["reverse"] else total

    return widened(compute, args, node)


def fft(args: Arrays, node: Node) -> np.ndarray:
    transform = np.fft.ifft if node.attrs["inverse"] else np.fft.fft
    wide = args[0].astype(np.complex128)
    return widened(lambda x: transform(x, axis=node.attrs["axis"]), [wide], node)


def _sort_keys(x: np.ndarray, descending: bool) -> list[np.ndarray]:
    """Keys for an ascending sort that put x in the required order, with NaN last."""
    if x.dtype.kind == "b":
        x = x.astype(np.int8)
    if x.dtype.kind == "V" or x.dtype == np.float16:
        x = x.astype(np.float32)
    if x.dtype.kind == "f":
        missing = np.isnan(x)
        return [missing, np.where(missing, 0, -x if descending else x)]
    return [~x if descending else x]


def sort(args: Arrays, node: Node) -> list[np.ndarray]:
    axis, descending, count = (node.attrs[a] for a in ("axis", "descending", "count"))
    if node.attrs.get("heap"):
        lines = np.moveaxis(args[0], axis, -1)
        order = kept_by_heap(lines.reshape(-1, lines.shape[-1]), int(count))
        order = np.moveaxis(order.reshape(*lines.shape[:-1], int(count)), -1, axis)
        return [np.take_along_axis(x, order, axis) for x in args]
    keys: list[np.ndarray] = []
    for x in args[: node.attrs["num_keys"]]:
        keys += _sort_keys(np.moveaxis(x, axis, -1), descending)
    order = np.lexsort(keys[::-1], axis=-1)[..., : int(count)]
    order = np.moveaxis(order, -1, axis)
    return [np.take_along_axis(x, order, axis) for x in args]


def contract(args: Arrays, node: Node) -> np.ndarray:
    left, right, result = split_spec(node.attrs["spec"])
    names = {letter: i for i, letter in enumerate(dict.fromkeys(left + right))}
    operands = [[names[letter] for letter in part] for part in (left, right, result)]

    def compute(x: Any, y: Any) -> Any:
        return np.einsum(x, operands[0], y, operands[1], operands[2], optimize=x.dtype.kind in "fc")

    return widened(compute, args, node)


def _checked(indices: np.ndarray, extent: int) -> None:
    bad = (indices < 0) | (indices >= extent)
    if bad.any():
        where = np.argwhere(bad)[0].tolist()
        raise InvalidArgumentError(
            f"indices{where} = {indices[tuple(where)]} is not in [0, {extent})"
        )


def gather(args: Arrays, node: Node) -> np.ndarray:
    (x, indices), axis, batch = args, node.attrs["axis"], node.attrs["batch_dims"]
    extent, mode = x.shape[axis], node.attrs["mode"]
    if mode == "error":
        _checked(indices, extent)
    inside = (indices >= 0) & (indices < extent)
    safe = np.clip(indices, 0, max(extent - 1, 0))
    if extent == 0 and indices.size:
        return np.zeros(ints(node.shape), x.dtype)
    if batch == 0:
        result = np.take(x, safe, axis)
    else:
        lead = np.indices(indices.shape, sparse=True)[:batch]
        moved = np.moveaxis(x, axis, batch)  # batch axes, the axis, then the others
        taken = moved[(*lead, safe)]
        spread = list(range(batch, indices.ndim))
        target = list(range(axis, axis + len(spread)))
        result = np.moveaxis(taken, spread, target)
    if mode == "zero" and not inside.all():
        shape = (*x.shape[:batch], *[1] * (axis - batch), *indices.shape[batch:])
        mask = np.reshape(inside, shape + (1,) * (result.ndim - len(shape)))
        result = np.where(mask, result, np.zeros((), x.dtype))
    return result


_SCATTER = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def scatter(args: Arrays, node: Node) -> np.ndarray:
    (x, indices, updates), depth = args, np.shape(args[1])[-1]
    result = np.array(x)
    vectors = indices.reshape(-1, depth)
    rows = updates.reshape(len(vectors), *x.shape[depth:])
    inside = np.ones(len(vectors), bool)
    for i in range(depth):
        if node.attrs["mode"] == "error":
            _checked(indices[..., i], x.shape[i])
        inside &= (vectors[:, i] >= 0) & (vectors[:, i] < x.shape[i])
    if not inside.all():
        vectors, rows = vectors[inside], rows[inside]
    where = tuple([vectors[:, i] for i in range(depth)])
    if node.op == "set":
        for i in range(len(vectors)):  # in order, so that the last of equal vectors wins
            result[tuple(vectors[i])] = rows[i]
    elif result.dtype.kind == "V" or result.dtype == np.float16:
        wide = result.astype(np.float32)
        _SCATTER[node.op].at(wide, where, rows.astype(np.float32))
        result = wide.astype(result.dtype)
    else:
        _SCATTER[node.op].at(result, where, rows)
    return result


def item(args: Arrays, node: Node) -> Any:
    return args[0][node.attrs["index"]]


def optimization_barrier(args: Arrays, _node: Node) -> np.ndarray:
    return args[0]


# The kinds of the instructions of recurrences.
_OF_ELEMENTS: recurrences.Meanings = {
    "unary": unary,
    "binary": binary,
    "compare": compare,
    "select": select,
    "cast": cast,
    "bitcast": bitcast,
    "iterate": iterate,
}
