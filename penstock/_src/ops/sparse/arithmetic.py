"""Arithmetic and reductions of sparse tensors."""

import math
from typing import NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel, Slices, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, INDEX, NUMBER, REAL
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.builtins import HotCounter
from penstock._src.native.builtins.kernel import kernel
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.array.unique import distinct
from penstock._src.ops.math.binary import truncated_quotient
from penstock._src.ops.rules import conj, dims_of, quiet, show
from penstock._src.ops.sparse.tensor import (
    check_indices,
    check_sparse,
    flat_places,
    grouped,
    outside,
    rows_where,
)

_merges = HotCounter(20_000)


def _union(a_indices, a_values, b_indices, b_values, shape, missing=0):
    """The indices of both tensors, merged, with both values at each."""
    rows = np.concatenate([a_indices, b_indices])
    if outside(rows, shape) is None:
        places = flat_places(rows, shape)
    else:  # TensorFlow adds elements outside as well
        _, places = np.unique(rows, axis=0, return_inverse=True)
        places = places.reshape(-1)
    places = places[: len(a_indices)], places[len(a_indices) :]
    ascend = all((x[1:] > x[:-1]).all() for x in places)
    if not ascend:
        places = _apart(*places)
    if ascend and runs_native_code() and _merges.is_hot(len(a_indices) + len(b_indices)):
        a_at, b_at = (np.empty(len(x), np.int64) for x in places)
        count = merge(*places, a_at, b_at)
    else:
        a_at, b_at, count = _merged(*places)
    a, b = (np.full(count, missing, a_values.dtype) for _ in range(2))
    a[a_at], b[b_at] = a_values, b_values
    which = np.empty(count, np.int64)
    which[b_at] = np.arange(len(a_at), len(a_at) + len(b_at))
    which[a_at] = np.arange(len(a_at))
    return _Union(rows.take(which, 0), a, b, a_at, b_at)


@kernel("a: int64[n], b: int64[m], a_at: int64[n], b_at: int64[m]")
def merge(a, b, a_at, b_at):
    """Writes the position of each element of two strictly ascending vectors in their union; returns its size."""
    i = j = count = 0
    while (i < len(a)) & (j < len(b)):
        x, y = a[i], b[j]
        # The larger one is written again at the next step: this has no branch that is hard to predict.
        a_at[i] = b_at[j] = count
        i_step, j_step = int(x <= y), int(y <= x)
        i, j, count = i + i_step, j + j_step, count + 1
    for k in range(i, len(a)):
        a_at[k] = count + k - i
    count += len(a) - i
    for k in range(j, len(b)):
        b_at[k] = count + k - j
    return count + len(b) - j


def _apart(*parts):
    """Return numbers in the order of the given ones, which pair repeated ones of two vectors in turn."""
    _, numbers = np.unique(np.concatenate(parts), return_inverse=True)
    ends = np.cumsum([len(part) for part in parts])
    parts = np.split(numbers, ends[:-1])
    return [part * ends[-1] + _occurrences(part) for part in parts]


def _occurrences(numbers):
    """The number of equal numbers before each one."""
    order = np.argsort(numbers, kind="stable")
    in_order = numbers[order]
    found = np.empty_like(order)
    found[order] = np.arange(len(numbers)) - np.searchsorted(in_order, in_order)
    return found


def _merged(a, b):
    """Return the positions of the elements of each vector in the sorted union of both, and its size."""
    both = np.concatenate([a, b])
    order, begins, _ = grouped(both)
    numbers = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(both)))
    if order is not None:
        in_order, numbers = numbers, np.empty_like(numbers)
        numbers[order] = in_order
    return numbers[: len(a)], numbers[len(a) :], len(begins)


class _Union(NamedTuple):
    """Union of two sparse tensors: indices, the values of each, and the positions of each one's elements."""

    indices: np.ndarray
    a: np.ndarray
    b: np.ndarray
    a_at: np.ndarray
    b_at: np.ndarray


def _same_shape(op, a_shape, b_shape):
    if a_shape.shape != b_shape.shape:
        raise op.invalid(
            f"Operands do not have the same ranks; got shapes: {show(a_shape)} and {show(b_shape)}"
        )
    if (a_shape != b_shape).any():
        raise op.invalid(f"Operands' shapes do not match: got {show(a_shape)} and {show(b_shape)}")


class SparseAdd(Op):
    """The sum of two sparse tensors; where both have an element, sums of magnitude below `thresh` are dropped."""

    signature = """a_indices: int64, a_values: T, a_shape: int64[?], b_indices: int64, b_values: T,
        b_shape: int64, thresh: Treal
        -> sum_indices: int64[?, a_shape[0]], sum_values: T[?], sum_shape: int64[a_shape]"""
    T = NUMBER
    Treal = REAL

    def gradient(
        self, a_indices, _av, _as, b_indices, _bv, _bs, _thresh, sum_indices, _sv, _ss, _di, dv, _ds
    ):
        by_a, by_b = raw.SparseAddGrad(
            backprop_val_grad=dv, a_indices=a_indices, b_indices=b_indices, sum_indices=sum_indices
        )
        return None, by_a, None, None, by_b, None, None

    @quiet
    def eager(self, a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
        check_sparse(self, a_indices, a_values, a_shape)
        check_sparse(self, b_indices, b_values, b_shape)
        _same_shape(self, a_shape, b_shape)
        missing = -np.zeros((), a_values.dtype)  # which changes no other zero's sign
        both = _union(a_indices, a_values, b_indices, b_values, a_shape, missing)
        total = both.a + both.b
        keep = _reach(total, thresh)
        if keep.all():
            return both.indices, total, a_shape
        # As in TensorFlow, an element of only one tensor is kept, however small.
        elements = np.bincount(both.a_at, minlength=total.size)
        elements += np.bincount(both.b_at, minlength=total.size)
        return *rows_where(keep | (elements < 2), both.indices, total), a_shape


def _reach(values, thresh):
    """Return True for each value whose magnitude is not below a number."""
    sizes, limit = np.abs(values), np.maximum(thresh, 0)
    if values.dtype.kind == "i":  # the magnitude of the least number does not fit its type
        unsigned = np.dtype(f"u{values.dtype.itemsize}")
        sizes = sizes.view(unsigned)
        limit = limit.astype(unsigned) if limit.dtype.kind == "i" else limit
    return sizes >= limit


class SparseAddGrad(Op):
    """The gradient of SparseAdd."""

    signature = """backprop_val_grad: T, a_indices: int64[?, ?], b_indices: int64[?, ?],
        sum_indices: int64 -> a_val_grad: T[a_indices[0]], b_val_grad: T[b_indices[0]]"""
    T = NUMBER
    differentiable = False

    @quiet
    def eager(self, backprop_val_grad, a_indices, b_indices, sum_indices):
        if not a_indices.ndim == b_indices.ndim == sum_indices.ndim == 2:
            shapes = " and ".join(show(x.shape) for x in (a_indices, b_indices, sum_indices))
            raise self.invalid(f"Input indices should be matrices but received shapes: {shapes}")
        if len(sum_indices) != backprop_val_grad.size:
            raise self.invalid(
                "# elements of backprop_val_grad and # rows of sum_indices should match (#nnz of sum): "
                f"got {backprop_val_grad.size} and {len(sum_indices)}"
            )
        ranks = [x.shape[1] for x in (a_indices, b_indices, sum_indices)]
        if len(set(ranks)) > 1:
            raise self.invalid(
                "The densified operands should have the same ndims; for A, B, Sum got: "
                f"{ranks[0]}, {ranks[1]}, {ranks[2]}"
            )
        rows = np.concatenate([sum_indices, a_indices, b_indices])
        _, numbers = distinct(rows)
        count = len(sum_indices)
        # Numbers are in order of appearance.
        if numbers[:count].max(initial=-1) + 1 < count:
            parts = np.split(numbers, [count, count + len(a_indices)])
            _, numbers = distinct(np.concatenate(_apart(*parts)))
        by_row = np.zeros(len(rows), backprop_val_grad.dtype)
        by_row[numbers[:count]] = backprop_val_grad
        of_operands = by_row[numbers[count:]]
        return of_operands[: len(a_indices)], of_operands[len(a_indices) :]


class _Extreme(Op):
    """The larger or smaller of two sparse tensors, where a missing element counts as zero."""

    signature = """a_indices: int64, a_values: T, a_shape: int64[?], b_indices: int64, b_values: T,
        b_shape: int64 -> output_indices: int64[?, a_shape[0]], output_values: T[?]"""
    ranks = {
        "a_indices": (2,),
        "a_values": (1,),
        "b_indices": (2,),
        "b_values": (1,),
        "b_shape": (1,),
    }

    def gradient(
        self, a_indices, a_values, a_shape, b_indices, b_values, b_shape, indices, values, _di, dy
    ):
        def at_elements(of_union):
            return raw.SparseAddGrad(
                backprop_val_grad=of_union, a_indices=a_indices, b_indices=b_indices,
                sum_indices=indices,
            )  # fmt: skip

        of_a, of_b = at_elements(values)
        by_a, by_b = at_elements(dy)
        none_of_a, none_of_b = raw.ZerosLike(x=a_values), raw.ZerosLike(x=b_values)
        chosen = raw.Equal(x=of_a, y=a_values)
        by_a = raw.SelectV2(condition=chosen, t=by_a, e=none_of_a)
        # Of two equal elements the first one gets the gradient, as in Maximum.
        taken = raw.SelectV2(condition=chosen, t=raw.OnesLike(x=a_values), e=none_of_a)
        _, taken, _ = raw.SparseAdd(
            a_indices=a_indices, a_values=taken, a_shape=a_shape,
            b_indices=b_indices, b_values=none_of_b, b_shape=b_shape,
            thresh=np.zeros((), dy.dtype.real_dtype.as_numpy_dtype),
        )  # fmt: skip
        _, taken = at_elements(taken)
        free = raw.Equal(x=taken, y=none_of_b)
        chosen = raw.LogicalAnd(x=free, y=raw.Equal(x=of_b, y=b_values))
        by_b = raw.SelectV2(condition=chosen, t=by_b, e=none_of_b)
        return None, by_a, None, None, by_b, None

    @quiet
    def eager(self, a_indices, a_values, a_shape, b_indices, b_values, b_shape):
        check_sparse(self, a_indices, a_values, a_shape)
        check_sparse(self, b_indices, b_values, b_shape)
        _same_shape(self, a_shape, b_shape)
        for indices in (a_indices, b_indices):
            check_indices(self, indices, a_shape, False, "Sparse index tuple ")
        both = _union(a_indices, a_values, b_indices, b_values, a_shape)
        return both.indices, self.choose(both.a, both.b)


class SparseSparseMaximum(_Extreme):
    """The larger of two sparse tensors, elementwise."""

    T = REAL
    choose = staticmethod(np.maximum)


class SparseSparseMinimum(_Extreme):
    """The smaller of two sparse tensors, elementwise."""

    T = NUMBER
    choose = staticmethod(np.minimum)


class SparseTensorDenseAdd(Op):
    """A dense tensor with a sparse one added."""

    signature = "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T -> output: T[b]"
    T = NUMBER
    slices = Slices(accepted=True)
    Tindices = INDEX

    def gradient(self, a_indices, _a_values, _a_shape, _b, _output, dy):
        return None, raw.GatherNd(params=dy, indices=a_indices), None, dy

    @quiet
    def eager(self, a_indices, a_values, a_shape, b):
        check_sparse(self, a_indices, a_values, a_shape)
        if tuple(a_shape) != b.shape:
            raise self.invalid(
                f"Dimensions must match: sparse {show(a_shape)}, dense {show(b.shape)}"
            )
        check_indices(self, a_indices, a_shape, False, "Sparse tensor has an invalid index: ")
        out = b.copy()
        if out.ndim:
            np.add.at(out.reshape(-1), flat_places(a_indices, a_shape), a_values)
        else:
            np.add.at(out, (), a_values)
        return out


class _Cwise(Op):
    """A sparse tensor combined with a dense one that broadcasts to its shape, where the sparse has elements."""

    signature = "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T -> output: T[sp_values]"
    ranks = {"sp_indices": (2,)}

    T = NUMBER

    def gradient(self, sp_indices, sp_values, sp_shape, dense, _output, dy):
        shape = raw.Cast(x=sp_shape, DstT=dtypes.int64)
        inner = raw.Shape(input=dense, out_type=dtypes.int64)
        lead = raw.Size(input=sp_shape) - raw.Size(input=inner)
        scale = shape // raw.ConcatV2(
            values=[raw.Fill(dims=raw.Reshape(tensor=lead, shape=[1]), value=np.int64(1)), inner],
            axis=0,
        )
        places = sp_indices // scale
        # From lead on, as the rank of dense may be known at run time only.
        columns = raw.StridedSlice(
            input=places,
            begin=raw.Pack(values=[np.int32(0), lead], axis=0),
            end=[0, 0],
            strides=[1, 1],
            begin_mask=1,
            end_mask=3,
        )
        dense_values = raw.GatherNd(params=dense, indices=columns)
        by_values, by_held = self.partial(sp_values, dense_values, dy)
        by_dense = raw.ScatterNd(indices=columns, updates=by_held, shape=inner)
        return None, by_values, None, by_dense

    @quiet
    def eager(self, sp_indices, sp_values, sp_shape, dense):
        check_sparse(self, sp_indices, sp_values, sp_shape)
        try:
            np.broadcast_to(dense, tuple(int(n) for n in sp_shape))
        except ValueError:
            raise self.invalid(
                "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
                f"[{show(sp_shape)}] vs. [{show(dense.shape)}]"
            ) from None
        check_indices(self, sp_indices, sp_shape, ordered=False)
        extents = np.array([1] * (sp_shape.size - dense.ndim) + list(dense.shape), np.int64)
        kept = np.flatnonzero(extents != 1)
        places = flat_places(sp_indices.take(kept, 1), extents[kept])
        return self.combine(sp_values, dense.reshape(-1).take(places))


class SparseDenseCwiseAdd(_Cwise):
    """Sparse plus dense, where the sparse tensor has elements."""

    combine = staticmethod(np.add)

    def partial(self, x, y, dy):
        return dy, dy


class SparseDenseCwiseMul(_Cwise):
    """Sparse times dense."""

    combine = staticmethod(np.multiply)

    def partial(self, x, y, dy):
        return dy * y, dy * x


class SparseDenseCwiseDiv(_Cwise):
    """Sparse divided by dense."""

    def combine(self, x, y):
        """The quotients; those of integers are truncated."""
        if self.T.is_integer and (y == 0).any():
            raise self.invalid("cannot divide by zero, but the dense tensor contains zero")
        return truncated_quotient(x, y)

    def partial(self, x, y, dy):
        return dy / y, -dy * x / (y * y)


class SparseTensorDenseMatMul(Op):
    """The product of a sparse matrix and a dense one, either of them transposed first."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    values = Values(in_float32=True)
    signature = "a_indices: Tindices, a_values: T, a_shape: int64, b: T -> product: T"
    ranks = {"a_indices": (2,), "a_values": (1,)}
    T = ANY
    Tindices: INDEX = dtypes.int64
    adjoint_a: bool = False
    adjoint_b: bool = False

    def shape(self, a_indices, a_values, a_shape, b):
        known = a_shape.as_shape()
        b = b.with_rank(2)
        rows = None
        if known is not None and known.rank == 2:
            rows, inner = known.as_list()[::-1] if self.adjoint_a else known.as_list()
            other = b[1] if self.adjoint_b else b[0]
            if None not in (inner, other) and inner != other:
                raise self.invalid(f"Dimensions must be equal, but are {inner} and {other}")
        return [rows, b[0] if self.adjoint_b else b[1]]

    def gradient(self, a_indices, a_values, a_shape, b, _product, dy):
        by_b = raw.SparseTensorDenseMatMul(
            a_indices=a_indices,
            a_values=a_values,
            a_shape=a_shape,
            b=dy,
            adjoint_a=not self.adjoint_a,
        )
        if self.adjoint_b:
            by_b = raw.Transpose(x=by_b, perm=[1, 0])
            if b.dtype.is_complex:
                by_b = raw.Conj(input=by_b)
        rows, columns = raw.Unpack(value=a_indices, num=2, axis=1)
        at, of = (columns, rows) if self.adjoint_a else (rows, columns)
        parts_dy = raw.GatherV2(params=dy, indices=at, axis=np.int32(0))
        operand = raw.Transpose(x=b, perm=[1, 0]) if self.adjoint_b else b
        parts_b = raw.GatherV2(params=operand, indices=of, axis=np.int32(0))
        if b.dtype.is_complex and not self.adjoint_b:
            parts_b = raw.Conj(input=parts_b)
        by_values = raw.Sum(input=parts_dy * parts_b, axis=np.array([1], np.int32))
        return None, conj(by_values) if self.adjoint_a else by_values, None, by_b

    @quiet
    def eager(self, a_indices, a_values, a_shape, b):
        if b.ndim != 2:
            raise self.invalid(f"Tensor 'b' is not a matrix: {show(b.shape)}")
        if a_shape.size != 2:
            raise self.invalid(f"Tensor 'a_shape' must have 2 elements. Received {show(a_shape)}")
        if a_indices.shape != (a_values.size, 2):
            raise self.invalid(
                f"a_indices must be of shape [{a_values.size},2], two for each entry in a_values. "
                f"Received {show(a_indices.shape)}"
            )
        rows, inner = (int(n) for n in (a_shape[::-1] if self.adjoint_a else a_shape))
        dense = b.conj().T if self.adjoint_b else b
        if inner != dense.shape[0]:
            raise self.invalid(
                "Cannot multiply A and B because inner dimension does not match: "
                f"{inner} vs. {dense.shape[0]}.  Did you forget a transpose?  Dimensions of A: "
                f"{show(a_shape)}.  Dimensions of B: {show(b.shape)}"
            )
        for letter, axis, size in (
            ("k", 0 if self.adjoint_a else 1, inner),
            ("m", 1 if self.adjoint_a else 0, rows),
        ):
            outside = (a_indices[:, axis] < 0) | (a_indices[:, axis] >= size)
            if outside.any():
                at = int(np.argmax(outside))
                raise self.invalid(
                    f"{letter} ({a_indices[at, axis]}) from index[{at},{axis}] out of bounds (>={size})"
                )
        row, column = a_indices.T[::-1] if self.adjoint_a else a_indices.T
        values = a_values.conj() if self.adjoint_a else a_values
        wide = np.float32 if b.dtype.itemsize == 2 else b.dtype
        out = np.zeros((rows, dense.shape[1]), wide)
        np.add.at(out, row, values.astype(wide)[:, None] * dense[column].astype(wide))
        return out.astype(b.dtype, copy=False)

    def lower(self, p, a_indices, a_values, a_shape, b):
        extents = dims_of(p, a_shape, "a_shape")
        if b.rank != 2 or a_indices.shape != (a_values.size, 2) or len(extents) != 2:
            raise NotLowerable("operands that are not matrices")
        if b.dtype.is_bool:
            raise NotLowerable("operands that are not matrices")
        rows, inner = extents[::-1] if self.adjoint_a else extents
        dense = p.transpose(b, [1, 0]) if self.adjoint_b else b
        values = a_values
        if b.dtype.is_complex:
            dense = p.conj(dense) if self.adjoint_b else dense
            values = p.conj(values) if self.adjoint_a else values
        if inner != dense.shape[0]:
            raise NotLowerable("the inner dimensions do not match")
        row, column = (p.take_index(a_indices, 1, int(i != self.adjoint_a)) for i in range(2))
        parts = p.mul(p.expand_dims(values, 1), p.gather(dense, column, 0, mode="error"))
        start = p.full([rows, dense.shape[1]], 0, b.dtype)
        return p.scatter(start, p.expand_dims(row, 1), parts, op="add", mode="error")


def _axes(op, axes, rank):
    axes = axes.ravel().tolist()
    for axis in axes:
        if not -rank <= axis < rank:
            raise op.invalid(
                f"Invalid reduction dimension {axis}, for input with {rank} dimensions."
            )
    return {axis % rank for axis in axes}


def _reduced(op, indices, values, shape, axes, combine):
    """The axes that are left, the flat places of the groups of entries in these, ascending, and the groups' results."""
    check_sparse(op, indices, values, shape)
    gone = _axes(op, axes, len(shape))
    kept = [a for a in range(len(shape)) if a not in gone]
    if len(kept) == 1:  # no copy of the indices
        places = indices[:, kept[0]]
    else:
        places = flat_places(indices[:, kept], shape[kept])
    order, firsts, unique = grouped(places)
    count = math.prod(shape[kept].tolist())
    if unique.size and not 0 <= unique[0] <= unique[-1] < count:
        at = unique[0] if unique[0] < 0 else unique[-1]
        raise op.invalid(f"index {at} is out of bounds for a result of {count} elements")
    in_order = values if order is None else values.take(order)
    return kept, unique, combine.reduceat(in_order, firsts, dtype=values.dtype)


class _Reduce(Op):
    """A reduction of a sparse tensor to a dense one."""

    signature = """input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32
        -> output: T[...]"""

    keep_dims: bool = False

    @quiet
    def eager(self, input_indices, input_values, input_shape, reduction_axes):
        kept, places, results = _reduced(
            self, input_indices, input_values, input_shape, reduction_axes, self.combine
        )
        extents = input_shape.tolist()
        out = np.zeros(math.prod([extents[a] for a in kept]), input_values.dtype)
        out[places] = results
        if self.keep_dims:
            return out.reshape([n if a in kept else 1 for a, n in enumerate(extents)])
        return out.reshape([extents[a] for a in kept])


class _ReduceSparse(Op):
    """A reduction of a sparse tensor to a sparse one."""

    signature = """input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32
        -> output_indices: int64[?, ?], output_values: T[?], output_shape: int64[?]"""

    keep_dims: bool = False

    @quiet
    def eager(self, input_indices, input_values, input_shape, reduction_axes):
        kept, places, results = _reduced(
            self, input_indices, input_values, input_shape, reduction_axes, self.combine
        )
        rank, whole = len(input_shape), input_shape[kept]
        left = places.reshape(-1, 1)
        if len(kept) != 1:
            columns = np.unravel_index(places, whole.tolist()) if kept else ()
            left = np.empty((places.size, len(kept)), np.int64)
            for axis, column in enumerate(columns):
                left[:, axis] = column
        if self.keep_dims:
            wide = np.zeros((places.size, rank), np.int64)
            wide[:, kept] = left
            left = wide
            whole = np.array([n if a in kept else 1 for a, n in enumerate(input_shape)])
        return left.astype(np.int64), results, whole.astype(np.int64)


class SparseReduceSum(_Reduce):
    """The sums over axes of a sparse tensor."""

    T = NUMBER
    combine = np.add

    def gradient(self, input_indices, _values, input_shape, reduction_axes, _output, dy):
        shape = raw.Cast(x=input_shape, DstT=dtypes.int32)
        rank = raw.Size(input=input_shape)
        axes = (raw.Cast(x=reduction_axes, DstT=dtypes.int32) + rank) % rank
        ones = raw.OnesLike(x=axes)
        kept = raw.DynamicStitch(
            indices=[raw.Range(start=np.int32(0), limit=rank, delta=np.int32(1)), axes],
            data=[shape, ones],
        )
        scale = raw.Cast(x=shape // kept, DstT=dtypes.int64)
        spread = raw.Reshape(tensor=dy, shape=kept)
        return None, raw.GatherNd(params=spread, indices=input_indices // scale), None, None


class SparseReduceMax(_Reduce):
    """The maxima over axes of a sparse tensor."""

    T = REAL
    combine = np.maximum


class SparseReduceSumSparse(_ReduceSparse):
    """The sums over axes of a sparse tensor, as a sparse tensor."""

    T = NUMBER
    combine = np.add


class SparseReduceMaxSparse(_ReduceSparse):
    """The maxima over axes of a sparse tensor, as a sparse tensor."""

    T = REAL
    combine = np.maximum
