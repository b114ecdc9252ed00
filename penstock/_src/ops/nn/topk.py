"""The largest elements of each row, and the n-th smallest."""

import sys

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, HostKernel
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.typesets import INDEX, REAL, SINGLE
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.meaning.heaps import kept_by_heap
from penstock._src.ops import infer
from penstock._src.ops.rules import in_float32, number_of, show


class _TopK(Op):
    """The k largest elements of each row with their indices; of equal elements the lower index comes first."""

    def from_shape(self, input, k):
        if input.rank is None:
            return None, None
        input = input.with_rank_at_least(1)
        if k is not None and input[-1] is not None and input[-1] < k:
            raise self.invalid(f"input must have last dimension >= k = {k} but is {input[-1]}")
        shape = input[:-1].concatenate([k])
        return shape, shape

    def scattered(self, input, indices, dy):
        """The gradient: each value's gradient scattered to its original position."""
        shape = raw.Shape(input=input, out_type=dtypes.int64)
        columns = raw.StridedSlice(input=shape, begin=[-1], end=[0], strides=[1], end_mask=1)
        rows = raw.Reshape(
            tensor=indices,
            shape=raw.ConcatV2(
                values=[
                    [-1],
                    raw.StridedSlice(
                        input=raw.Shape(input=indices), begin=[-1], end=[0], strides=[1], end_mask=1
                    ),
                ],
                axis=0,
            ),
        )
        count = raw.StridedSlice(
            input=raw.Shape(input=rows, out_type=dtypes.int64),
            begin=[0],
            end=[1],
            strides=[1],
            shrink_axis_mask=1,
        )
        zero, one = np.int64(0), np.int64(1)
        first = raw.Range(start=zero, limit=count, delta=one) * columns
        flat = raw.Cast(x=rows, DstT=dtypes.int64) + raw.ExpandDims(input=first, axis=1)
        flat = raw.Reshape(tensor=flat, shape=[-1, 1])
        size = raw.Reshape(tensor=raw.Prod(input=shape, axis=[0]), shape=[1])
        dense = raw.ScatterNd(indices=flat, updates=raw.Reshape(tensor=dy, shape=[-1]), shape=size)
        return raw.Reshape(tensor=dense, shape=shape)

    def largest(self, input, k, kind):
        if input.ndim < 1:
            raise self.invalid("input must be >= 1-D, got shape []")
        if k < 0:
            raise self.invalid(f"Need k >= 0, got {k}")
        if input.shape[-1] < k:
            raise self.invalid(
                f"input must have at least k columns. Had {input.shape[-1]}, needed {k}"
            )
        if self.sorted or not 1 < k < input.shape[-1]:
            order = _descending(input, k)
        else:
            order = kept_by_heap(input.reshape(-1, input.shape[-1]), k)
            order = order.reshape(*input.shape[:-1], k)
        if input.ndim == 1:
            values = input[order]
        elif input.ndim == 2:
            values = input[np.arange(len(input))[:, None], order]
        else:
            values = np.take_along_axis(input, order, -1)
        return values, order.astype(kind)


class TopK(_TopK):
    """The k largest elements of each row with their indices."""

    signature = "input: T -> values: T, indices: int32"
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    minimum = {"k": 0}
    T = REAL
    k: int
    sorted: bool = True
    vectorize = "rows"

    def shape(self, input):
        return self.from_shape(input, self.k)

    def gradient(self, input, _values, indices, dy, _dindices):
        return self.scattered(input, indices, dy)

    def eager(self, input):
        return self.largest(input, self.k, np.int32)

    def lower(self, p, input):
        values, indices = p.top_k(input, self.k, is_sorted=self.sorted)
        return values, p.cast(indices, dtypes.int32)


class TopKV2(_TopK):
    """The k largest elements of each row with their indices."""

    signature = "input: T, k: Tk -> values: T, indices: index_type"
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    T = REAL
    sorted: bool = True
    Tk: INDEX | {dtypes.int16} = dtypes.int32
    index_type: INDEX | {dtypes.int16} = dtypes.int32
    vectorize = "rows, shared"

    def shape(self, input, k):
        k = k.with_rank(0)
        return self.from_shape(input, infer.counted(k, 1))

    def gradient(self, input, _k, _values, indices, dy, _dindices):
        return self.scattered(input, indices, dy), None

    def eager(self, input, k):
        if np.ndim(k):
            raise self.invalid(f"k must be scalar, got shape {show(k.shape)}")
        return self.largest(input, int(k), self.index_type.as_numpy_dtype)

    def lower(self, p, input, k):
        values, indices = p.top_k(input, number_of(p, k, "k"), is_sorted=self.sorted)
        return values, p.cast(indices, self.index_type)


MOST_SORTED = 32  # elements of a row
FEW = 512  # elements of a row that are sorted sooner than the largest are selected


# Where keys sort sooner than values (AVX-512, 29 November 2026): elements in all, and in a row of numbers of four bytes.
_MANY, _SHORT = 256, 16
_PACKED = frozenset(
    map(np.dtype, (np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.float32))
)


class NthElement(Op):
    """The n-th smallest (or, with `reverse`, largest) element of each row."""

    signature = "input: T, n: int32 -> values: T"
    # NumPy selects, and the compiled form sorts: it takes twenty times as long for rows of 256.
    host_kernel = HostKernel(compiles_from=sys.maxsize)
    T = REAL
    reverse: bool = False

    def shape(self, input, n):
        return None if input.rank is None else input.with_rank_at_least(1)[:-1]

    def gradient(self, input, _n, output, dy):
        # equal elements share the gradient
        hit = raw.Equal(x=input, y=raw.ExpandDims(input=output, axis=-1))
        hit = raw.Cast(x=hit, DstT=dy.dtype)
        count = raw.Sum(input=hit, axis=-1, keep_dims=True)
        return hit / count * raw.ExpandDims(input=dy, axis=-1), None

    def eager(self, input, n):
        if input.ndim < 1:
            raise self.invalid("Input must be at least rank 1 but is rank 0")
        if n.ndim:
            raise self.invalid(f"N must be scalar but has rank {n.ndim}")
        if n < 0:
            raise self.invalid(f"n must be non-negative but is {n}")
        if n >= input.shape[-1]:
            raise self.invalid(f"Input must have last dimension > n = {n}")
        at = input.shape[-1] - 1 - int(n) if self.reverse else int(n)
        # ml_dtypes' order has no place for NaN
        wide = in_float32(input) if input.dtype.kind not in "iub" else input
        return np.partition(wide, at, axis=-1)[..., at].astype(input.dtype, copy=False)

    def lower(self, p, input, n):
        at = number_of(p, n, "n")
        extent = input.shape[-1]
        if extent > MOST_SORTED and not p.depth:
            raise NotLowerable("rows that are selected from faster on the host than sorted")
        if self.reverse:
            at = extent - 1 - at
        rank = len(input.shape)
        ordered = p.sort([input], rank - 1)[0]
        starts, limits = [0] * rank, list(input.shape)
        starts[-1], limits[-1] = at, at + 1
        return p.squeeze(p.slice(ordered, starts, limits), [rank - 1])


class ApproxTopK(Op):
    """The k largest (or smallest) elements along an axis; here exactly."""

    signature = "input: T -> values: T, indices: int32"
    ranks = {"input": at_least(1)}
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    minimum = {"k": 0}
    T = SINGLE
    k: int
    reduction_dimension: int = -1
    recall_target: float = 0.949999988079071
    is_max_k: bool = True
    reduction_input_size_override: int = -1
    aggregate_to_topk: bool = True

    def _axis(self, rank):
        """Returns the axis, counted from the front."""
        if not -rank <= self.reduction_dimension < rank:
            raise self.invalid(
                f"Invalid reduction dimension: {self.reduction_dimension}. Must be within the range of [{-rank}, {rank})"
            )
        return self.reduction_dimension % rank

    def shape(self, input):
        if input.rank is None:
            return None, None
        dims = input.as_list()
        dims[self._axis(input.rank)] = self.k
        return dims, dims

    def gradient(self, input, _values, indices, dy, _dindices):
        rank = raw.Rank(input=input) if input.shape.rank is None else input.shape.rank
        axis = self.reduction_dimension
        axis = axis if axis >= 0 else rank + axis
        depth = raw.GatherV2(params=raw.Shape(input=input), indices=axis, axis=0)
        hot = raw.OneHot(
            indices=indices, depth=depth, on_value=np.float32(1), off_value=np.float32(0), axis=-1
        )
        spread = raw.Cast(x=hot, DstT=dy.dtype) * raw.ExpandDims(input=dy, axis=-1)
        total = raw.Sum(input=spread, axis=axis)
        before, after = (
            raw.Range(start=start, limit=limit, delta=1)
            for start, limit in ((0, axis), (axis, rank - 1))
        )
        last = raw.Reshape(tensor=rank - 1, shape=[1])
        return raw.Transpose(x=total, perm=raw.ConcatV2(values=[before, last, after], axis=0))

    def eager(self, input):
        axis = self._axis(input.ndim)
        x = np.moveaxis(input, axis, -1)
        if x.shape[-1] < self.k:
            raise self.invalid(
                f"input must have at least k columns. Had {x.shape[-1]}, needed {self.k}"
            )
        order = _descending(x, self.k) if self.is_max_k else _descending(-x, self.k)
        values = np.take_along_axis(x, order, -1)
        return np.moveaxis(values, -1, axis), np.moveaxis(order, -1, axis).astype(np.int32)

    def lower(self, p, input):
        rank = len(input.shape)
        axis = self._axis(rank)
        if input.shape[axis] < self.k:
            raise NotLowerable("fewer elements than are wanted")
        others = [a for a in range(rank) if a != axis]
        back = [*range(axis), rank - 1, *range(axis, rank - 1)]
        rows = p.transpose(input, [*others, axis])
        values, indices = p.top_k(rows if self.is_max_k else p.neg(rows), self.k)
        values = values if self.is_max_k else p.neg(values)
        return p.transpose(values, back), p.cast(p.transpose(indices, back), dtypes.int32)


def _descending(x, k):
    """Indices of the k largest of each row, stable; NaN counts as the least."""
    columns = x.shape[-1]
    if x.dtype.kind not in "iub":
        x = in_float32(x)  # ml_dtypes' order has no place for NaN
        # A few numbers are sorted sooner than they are searched for NaN, which comes last.
        if x.size <= _MANY and k != 1 or np.isnan(x).any():
            return (-x).argsort(axis=-1, kind="stable")[..., :k]
    if k == 1 and columns:
        return x.argmax(-1)[..., None]
    backwards = x[..., ::-1]
    if columns > 4 * k and columns > FEW and x.dtype.kind in "fiu":
        return _selected(x, k)
    if x.size > _MANY and (x.dtype.itemsize < 4 or columns > _SHORT) and x.dtype in _PACKED:
        return _by_keys(x, k)
    order = backwards.argsort(axis=-1, kind="stable")[..., ::-1]
    return (columns - 1 - order)[..., :k]


def _by_keys(x, k):
    """Computes the same as `_descending` by sorting whole numbers of a value and its place, which NumPy does by vectors."""
    columns = x.shape[-1]
    if x.dtype.kind == "f":
        bits = (x + np.float32(0)).view(np.int32)  # zeros of both signs are equal
        x = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # ascends with the value
    is_narrow = x.dtype.itemsize < 4 and columns <= 1 << 15
    kind, shift = (np.int32, 15) if is_narrow else (np.int64, 31)
    keys = x.astype(kind) << shift
    # Of equal values the first has the largest key.
    keys |= np.arange(columns - 1, -1, -1, dtype=kind)
    keys.sort(axis=-1)
    places = keys[..., : -k - 1 : -1] & ((1 << shift) - 1)
    return (columns - 1 - places).astype(np.int64)


def _selected(x, k):
    """Computes the same as `_descending`, but selects the k-th value first."""
    if k == 0:
        return np.zeros((*x.shape[:-1], 0), np.int64)
    columns = x.shape[-1]
    flat = x.reshape(-1, columns)
    limit = np.partition(flat, columns - k, axis=-1)[:, columns - k]
    out = np.empty((flat.shape[0], k), np.int64)
    for row, (values, least) in enumerate(zip(flat, limit, strict=True)):
        larger = np.flatnonzero(values > least)
        equal = np.flatnonzero(values == least)[: k - larger.size]
        chosen = np.sort(np.concatenate([larger, equal]))
        picked = values[chosen][::-1]
        out[row] = chosen[::-1][np.argsort(picked, kind="stable")[::-1]]
    return out.reshape(*x.shape[:-1], k)
