"""Gathers: elements or rows chosen by index."""

import operator

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, Elements, HostKernel, Values
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import (
    ints,
    joined,
    part,
    product_of,
    rank_of,
    reshape,
    shape_of,
    show,
    span,
    static_value,
    value_of,
)

WIDE_INDEX = INDEX | {dtypes.int16}


def _unsigned(indices, size):
    """Returns indices as unsigned numbers, of which negative ones are at least `size`, or None if that does not hold."""
    bits = 8 * indices.itemsize
    return indices.view(f"u{indices.itemsize}") if size <= 1 << (bits - 1) else None


def check_indices(op, indices, size):
    """Raises InvalidArgumentError with the first index that is not in [0, size)."""
    unsigned = _unsigned(indices, size)
    if not indices.size or unsigned is not None and np.maximum.reduce(unsigned, None) < size:
        return
    bad = (indices < 0) | (indices >= size)
    if bad.any():
        at = np.unravel_index(int(np.argmax(bad)), indices.shape) if indices.ndim else ()
        place = f"[{','.join(str(int(i)) for i in at)}]" if at else ""
        raise op.invalid(f"indices{place} = {indices[at]} is not in [0, {size})")


def is_range(indices):
    """True if indices are a non-empty vector of consecutive numbers, so that the gather is a slice."""
    if indices.ndim != 1 or not indices.size:
        return False
    first, last = int(indices[0]), int(indices[-1])
    return last - first == indices.size - 1 and bool((indices[1:] > indices[:-1]).all())


class GatherV2(Op):
    """Parts of `params` along an axis, chosen by indices; the first batch_dims dimensions are batch dimensions."""

    signature = "params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams"
    Tparams = ANY
    Tindices = WIDE_INDEX
    Taxis = INDEX
    batch_dims: int = 0
    elements = Elements(is_movement=True)

    def shape(self, params, indices, axis):
        params.with_rank_at_least(1)
        axis.with_rank(0)
        value = axis.value
        if params.rank is None or indices.rank is None:
            return UNKNOWN
        batch = self.batch_dims + (indices.rank if self.batch_dims < 0 else 0)
        if not 0 <= batch <= indices.rank or batch >= params.rank:
            raise ValueError(
                f"GatherV2: batch_dims {self.batch_dims} must be less than the rank of params "
                f"({params.rank}) and at most that of indices ({indices.rank})."
            )
        if value is None:
            return unknown_shape(params.rank - 1 + indices.rank - batch)
        at = int(value)
        params.with_rank_at_least(at + 1 if at >= 0 else -at)
        at %= params.rank
        # Equal batch sizes can only be checked at run time.
        return params[:at].concatenate(indices[batch:]).concatenate(params[at + 1 :])

    def gradient(self, params, indices, axis, _output, dy):
        at = static_value(axis)
        if at is not None and int(at) == 0 and self.batch_dims == 0:
            return sliced_gradient(params, indices, dy), None, None
        return dense_gradient(params, indices, axis, dy, self.batch_dims), None, None

    def eager(self, params, indices, axis):
        if not params.ndim:
            raise self.invalid("params must be at least 1 dimensional")
        if axis.ndim:
            raise self.invalid("axis must be scalar")
        at, rank = int(axis), params.ndim
        if not -rank <= at < rank:
            least = at + 1 if at >= 0 else -at
            raise self.invalid(f"Shape must be at least rank {least} but is rank {rank}")
        at %= rank
        batch = self.batch_dims + (indices.ndim if self.batch_dims < 0 else 0)
        self.check_batch(params, indices, at, batch)
        others = params.shape[:at] + params.shape[at + 1 :]
        if 0 in others:  # parts without elements are not looked up
            kept = params.shape[:at] + indices.shape[batch:] + params.shape[at + 1 :]
            return np.empty(kept, params.dtype)
        check_indices(self, indices, params.shape[at])
        if not batch and not at and is_range(indices):
            return params[int(indices[0]) : int(indices[-1]) + 1]
        if not batch:
            return params.take(indices, at)
        grid = np.ogrid[tuple(slice(n) for n in params.shape[:at])]
        lead = [
            g.reshape(g.shape[:batch] + g.shape[batch:] + (1,) * (indices.ndim - batch))
            for g in grid
        ]
        where = indices.reshape(indices.shape[:batch] + (1,) * (at - batch) + indices.shape[batch:])
        return params[(*lead, where)]

    def eager_given(self, constant, params, indices, axis):
        is_plain = not axis.ndim and not self.batch_dims and -params.ndim <= axis < params.ndim
        if not (constant[1] and constant[2] and is_plain) or (indices < 0).any():
            return None
        at = int(axis) % params.ndim
        if not indices.ndim:
            return operator.itemgetter((*(slice(None),) * at, int(indices), ...))
        return operator.methodcaller("take", indices, at)

    def check_batch(self, params, indices, axis, batch):
        """Raises InvalidArgumentError unless the leading dimensions of both agree."""
        if not 0 <= batch <= indices.ndim:
            raise self.invalid(
                f"Expected batch_dims in the range [{-indices.ndim}, {indices.ndim}], but got "
                f"{self.batch_dims}"
            )
        if batch >= params.ndim:
            raise self.invalid(
                f"batch_dims ({batch}) must be less than rank(params) ({params.ndim})."
            )
        if axis < batch:
            raise self.invalid(f"batch_dims ({batch}) must be less than or equal to axis ({axis}).")
        for i in range(batch):
            if params.shape[i] != indices.shape[i]:
                raise self.invalid(
                    f"params.shape[{i}]: {params.shape[i]} should be equal to indices.shape[{i}]: "
                    f"{indices.shape[i]}"
                )

    def lower(self, p, params, indices, axis):
        if self.Tparams.np.hasobject:
            raise NotLowerable(f"elements of type {self.Tparams.name}")
        at, rank = int(value_of(p, axis, "the axis")), len(params.shape)
        if not rank or not -rank <= at < rank:
            raise NotLowerable("an axis out of range")
        at %= rank
        batch = self.batch_dims + (len(indices.shape) if self.batch_dims < 0 else 0)
        fits = 0 <= batch <= min(len(indices.shape), at) and batch < rank
        if not fits or tuple(params.shape[:batch]) != tuple(indices.shape[:batch]):
            raise NotLowerable("batch dimensions that do not fit")
        if 0 in params.shape[:at] + params.shape[at + 1 :]:
            raise NotLowerable("parts without elements")
        return p.gather(params, indices, at, batch, mode="error")


def sliced_gradient(params, indices, dy):
    """Returns the gradient of gathered rows as IndexedSlices."""
    dense = shape_of(params)
    rows = product_of(shape_of(indices))
    rest = part(dense, 1, params.shape.rank) if params.shape.rank is not None else None
    if rest is None:
        rest = raw.StridedSlice(dense, ints([1]), ints([0]), ints([1]), end_mask=1)
    values = reshape(dy, joined(rows, rest))
    whole = raw.Shape(params) if isinstance(dense, np.ndarray) else dense
    return IndexedSlices(values, reshape(indices, [-1]), whole)


def dense_gradient(params, indices, axis, dy, batch_dims):
    """Returns the gradient of a gather along any axis, with batches: a sum over segments.

    The dimensions of the indices move to the front of dy, after those of the batch; the batch index becomes part of the
    segment number.
    """
    at, rank, width = static_value(axis), rank_of(params), rank_of(indices)
    at = raw.Cast(x=axis, DstT=dtypes.int32) if at is None else int(at)
    at = at % rank
    batch = batch_dims % width if batch_dims < 0 else batch_dims
    chosen = width - batch
    before, own = span(batch, at), span(at, at + chosen)
    after = span(at + chosen, rank - 1 + chosen)
    rows = raw.Transpose(dy, joined(span(0, batch), own, before, after))
    sizes = shape_of(params)
    size, groups = part(sizes, at, at + 1), product_of(part(sizes, 0, batch))
    ids = raw.Cast(indices, DstT=dtypes.int32)
    if batch_dims:
        offsets = raw.Range(np.int32(0), scalar(groups), np.int32(1)) * scalar(size)
        ones = raw.OnesLike(span(0, chosen))
        ids = ids + reshape(offsets, joined(part(sizes, 0, batch), ones))
    total = raw.UnsortedSegmentSum(rows, ids, scalar(groups) * scalar(size))
    others = joined(part(sizes, batch, at), part(sizes, at + 1, rank))
    unfolded = reshape(total, joined(part(sizes, 0, batch), size, others))
    # Now the order is batch, axis, before, after.
    moved = joined(span(batch + 1, at + 1), span(batch, batch + 1), span(at + 1, rank))
    return raw.Transpose(unfolded, joined(span(0, batch), moved))


def scalar(vector):
    """Returns the only entry of a vector as a scalar."""
    return vector.reshape(()) if isinstance(vector, np.ndarray) else reshape(vector, [])


class Gather(Op):
    """Rows of `params` chosen by indices."""

    signature = "params: Tparams, indices: Tindices -> output: Tparams"
    Tparams = ANY
    Tindices = INDEX
    validate_indices: bool = True
    values = Values(keeps_finite=True)

    def shape(self, params, indices):
        return indices.concatenate(params.with_rank_at_least(1)[1:])

    def gradient(self, params, indices, _output, dy):
        return sliced_gradient(params, indices, dy), None

    def eager(self, params, indices):
        if not params.ndim:
            raise self.invalid("params must be at least 1 dimensional")
        if 0 in params.shape[1:]:  # rows without elements are not looked up
            return np.empty(indices.shape + params.shape[1:], params.dtype)
        check_indices(self, indices, params.shape[0])
        return params.take(indices, 0)

    def lower(self, p, params, indices):
        if self.Tparams.np.hasobject or not params.shape or 0 in params.shape[1:]:
            raise NotLowerable(f"no rows, or elements of type {self.Tparams.name}")
        return p.gather(params, indices, 0, 0, mode="error")


# -- index vectors ---------------------------------------------------------------------------------


POLICIES = ("", "DEFAULT", "ERROR", "IGNORE")


def outside(indices, dims):
    """Returns a mask of the index vectors that are out of bounds."""
    return ((indices < 0) | (indices >= np.array(dims, np.int64))).any(-1)


def check_policy(op):
    """Returns whether bad indices are ignored; raises InvalidArgumentError for an unknown policy."""
    if op.bad_indices_policy not in POLICIES:
        raise op.invalid(f"Unknown bad_indices_policy: {op.bad_indices_policy}")
    return op.bad_indices_policy == "IGNORE"


def bad_vectors(op, indices, dims, message):
    """Returns a mask of the index vectors that are out of range, or None if none are.

    Args:
      message: gives what the error says that they do not index into.

    Raises:
      InvalidArgumentError: some are, and the op does not ignore them.
    """
    ignore = check_policy(op)
    unsigned = _unsigned(indices, max(dims, default=0))
    # NumPy counts true elements several times faster than it asks a few for `any`.
    if unsigned is not None and not np.count_nonzero(unsigned >= np.array(dims, np.uint64)):
        return None
    bad = outside(indices, dims)
    if not bad.any():
        return None
    if ignore:
        return bad
    at = np.unravel_index(int(np.argmax(bad)), bad.shape) if bad.ndim else ()
    place = f"[{','.join(str(int(i)) for i in at)}]" if at else ""
    vector = ", ".join(map(str, indices[at].tolist()))
    raise op.invalid(f"indices{place} = [{vector}] does not index into {message()}")


class GatherNd(Op):
    """Elements or blocks of `params` chosen by vectors of indices into its leading dimensions."""

    signature = "params: Tparams, indices: Tindices -> output: Tparams"
    host_kernel = HostKernel(compiles_from=SLOW)
    Tparams = ANY
    Tindices = WIDE_INDEX
    bad_indices_policy: str = ""

    def shape(self, params, indices):
        indices.with_rank_at_least(1)
        if params.rank is None or indices.rank is None or indices[-1] is None:
            return UNKNOWN
        if indices[-1] > params.rank:
            raise ValueError(
                f"indices.shape[-1] must be <= params.rank, but saw indices shape: {show(indices)} "
                f"and params shape: {show(params)}"
            )
        return indices[: indices.rank - 1].concatenate(params[indices[-1] :])

    def gradient(self, params, indices, _output, dy):
        shape = indices.shape
        if shape.rank == 2 and shape[-1] == 1:
            rows = raw.Squeeze(indices, squeeze_dims=[-1])
            return IndexedSlices(dy, rows, raw.Shape(params)), None
        sizes = raw.Shape(
            params, out_type=indices.dtype if indices.dtype in INDEX else dtypes.int32
        )
        if indices.dtype not in INDEX:
            indices = raw.Cast(indices, DstT=dtypes.int32)
        return raw.ScatterNd(indices, dy, sizes), None

    def eager(self, params, indices):
        if not indices.ndim:
            raise self.invalid("indices must be at least a vector")
        if not params.ndim:
            raise self.invalid("params must be at least a vector")
        depth = indices.shape[-1]
        if depth > params.ndim:
            raise self.invalid(
                "index innermost dimension length must be <= params rank; saw: "
                f"{depth} vs. {params.ndim}"
            )
        if indices.size and not params.size and not check_policy(self):
            raise self.invalid(
                "Requested more than 0 entries, but params is empty.  Params shape: "
                f"{show(params.shape)}"
            )
        bad = bad_vectors(
            self,
            indices,
            params.shape[:depth],
            lambda: f"param shape {show(params.shape)}, node name: GatherNd",
        )
        if bad is not None:
            indices = np.where(bad[..., None], 0, indices)
        if not depth:
            lead = indices.shape[:-1]
            return np.broadcast_to(params, lead + params.shape).copy()
        if bad is not None and 0 in params.shape[:depth]:
            return np.zeros(indices.shape[:-1] + params.shape[depth:], params.dtype)
        slices = params[tuple([indices[..., at] for at in range(depth)])]
        if bad is not None:
            slices = np.array(slices)
            slices[bad] = params.dtype.type(0)
        return slices

    def lower(self, p, params, indices):
        if self.Tparams.np.hasobject:
            raise NotLowerable(f"elements of type {self.Tparams.name}")
        if not indices.shape:
            raise NotLowerable("scalar indices have no index vectors")
        depth = int(indices.shape[-1])
        if depth > len(params.shape):
            raise NotLowerable("index vectors longer than the rank")
        mode = "zero" if check_policy(self) else "error"
        if not depth:
            return p.broadcast_to(params, (*indices.shape[:-1], *params.shape))
        if 0 in params.shape and 0 not in indices.shape:
            raise NotLowerable("elements of an empty tensor")
        flat = flat_index(p, indices, params.shape[:depth])
        rows = 1
        for d in params.shape[:depth]:
            rows = d * rows
        table = p.reshape(params, (rows, *params.shape[depth:]))
        return p.gather(table, flat, 0, 0, mode=mode)


def flat_index(p, indices, dims):
    """Lowers index vectors to numbers of rows, -1 where one is out of range."""
    rank = len(indices.shape)
    wide = p.cast(indices, dtypes.int64)
    flat, good = None, None
    for i, d in enumerate(dims):
        column = p.take_index(wide, rank - 1, i)
        size = p.scalar(d, dtypes.int64)
        inside = p.and_(p.ge(column, 0), p.lt(column, size))
        good = inside if good is None else p.and_(good, inside)
        flat = column if flat is None else p.add(p.mul(flat, size), column)
    return p.select(good, flat, -1)


def rows_shape(indices, updates, shape):
    """Checks the static shapes of a scatter onto `shape`; raises ValueError if they do not fit."""
    if indices.rank is None or not updates.rank:  # a scalar is refused when the op runs, if at all
        return
    outer = indices.rank - 1
    of_indices = f"[0,{outer}) of indices[shape={show(indices)}]"
    of_updates = f"[0,{outer}) of updates[shape={show(updates)}]"
    _same_dims(of_indices, indices[:outer], of_updates, updates[:outer])
    depth = indices[-1]
    if depth is None or shape.rank is None:
        return
    of_input = f"[{depth},{shape.rank}) of input[shape={show(shape)}]"
    of_updates = f"[{outer},{updates.rank}) of updates[shape={show(updates)}]"
    _same_dims(of_input, shape[depth:], of_updates, updates[outer:])


def _same_dims(which, mine, others, theirs):
    """Raises ValueError unless the dimensions of an argument are those of another."""
    try:
        mine.merge_with(theirs)
    except ValueError as error:
        reason = getattr(error, "in_graph", str(error))
        raise ValueError(
            f"Dimensions {which} = {show(mine)} must match dimensions {others} = {show(theirs)}: "
            f"{reason}"
        ) from None
