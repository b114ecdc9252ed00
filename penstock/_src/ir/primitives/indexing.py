"""Elements at indices that are data: read, and combined with updates."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.meaning.intervals import Range, union
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import (
    Args,
    Arrays,
    Attrs,
    Bounds,
    Primitive,
    Result,
    SameType,
    ints,
)


class Gather(Primitive):
    """x[..., indices, ...] at an axis; indices outside clamp, give zero, or raise an error."""

    form = "gather(x, indices; axis, batch_dims, mode)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        x, indices = node.args
        axis, batch = node.attrs["axis"], node.attrs["batch_dims"]
        of_x = flow.along(flow.of(x), (axis,))
        of_indices = flow.of(indices)
        states = []
        if of_x is not None:
            after = indices.rank - batch - 1 if of_x.axis > axis else 0
            states.append(of_x.at(of_x.axis + after))
        if of_indices is not None:
            after = axis - batch if of_indices.axis >= batch else 0
            states.append(of_indices.at(of_indices.axis + after))
        return flow.joined(states)

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, indices = args
        axis, batch = attrs["axis"], attrs["batch_dims"]
        self.require(indices.dtype.is_integer, "indices must be integers", args)
        fits = batch <= axis < x.rank and batch <= indices.rank
        self.require(fits, "axis and batch_dims do not fit", args)
        self.require(x.shape[:batch] == indices.shape[:batch], "batch extents differ", args)
        return (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]), x.dtype

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
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

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        values = bounds(node.args[0])
        return union([values, (0, 0)]) if node.attrs["mode"] == "zero" else values


_COMBINE = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


class Scatter(SameType):
    """x with updates combined at index vectors (last axis of indices) of its leading axes, in order unless they are unique."""

    form = "scatter(x, indices, updates; op, mode)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        x, indices, updates = node.args
        depth = int(indices.shape[-1])
        if flow.of(indices) is not None:
            raise MixedRows("writes to indices that depend on rows")
        states = []
        rows = flow.along(flow.of(x), range(depth))
        if rows is not None:
            states.append(rows)
        rows = flow.along(flow.of(updates), range(indices.rank - 1))
        if rows is not None:
            states.append(rows.at(rows.axis - (indices.rank - 1) + depth))
        return flow.joined(states)

    ops = frozenset({"set", *_COMBINE})

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, indices, updates = args
        vectors = indices.rank > 0 and indices.dtype.is_integer
        self.require(vectors, "indices are vectors of integers", args)
        depth = int(indices.shape[-1])
        self.require(depth <= x.rank, "index vectors are longer than the rank", args)
        fits = updates.shape == (*indices.shape[:-1], *x.shape[depth:]) and updates.dtype == x.dtype
        message = "updates must have the shape of the indices, then of what they address"
        self.require(fits, message, args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
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
            _COMBINE[node.op].at(wide, where, rows.astype(np.float32))
            result = wide.astype(result.dtype)
        else:
            _COMBINE[node.op].at(result, where, rows)
        return result


def _checked(indices: np.ndarray, extent: int) -> None:
    bad = (indices < 0) | (indices >= extent)
    if bad.any():
        where = np.argwhere(bad)[0].tolist()
        raise InvalidArgumentError(
            f"indices{where} = {indices[tuple(where)]} is not in [0, {extent})"
        )


class ArgWhere(Primitive):
    """The places [size, rank] of the true elements of an array, in order, then zeros; and how many there are, a scalar.

    There are fewer than 2**31 elements. StableHLO has no such operation.
    """

    form = "argwhere(mask)"

    def rows(self, flow: RowFlow, node: Node) -> list[Rows | None]:
        state = flow.along(flow.of(node.args[0]), range(node.args[0].rank))
        return [state] * 2

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        (mask,) = args
        self.require(mask.dtype.is_bool and mask.rank > 0, "no array of bools", args)
        return [((mask.size, mask.rank), dtypes.int64), ((), dtypes.int32)]

    def evaluate(self, args: Arrays, node: Node) -> list[np.ndarray]:
        places = np.argwhere(args[0])
        rows = np.zeros((args[0].size, args[0].ndim), np.int64)
        rows[: len(places)] = places
        return [rows, np.array(len(places), np.int32)]
