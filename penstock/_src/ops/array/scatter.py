"""Scatters: updates combined at index vectors into zeros or a tensor."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel, Slices
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, BOOL, INDEX, NUMBER
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.grouping.scatters import scatter_rows
from penstock._src.ops import infer
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.array.gather import bad_vectors, check_policy, rows_shape
from penstock._src.ops.rules import cast, dims_of, in_float32, quiet, show

WIDE_INDEX = INDEX | {dtypes.int16}
UFUNCS = {"add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum}


def check_scatter(op, indices, updates, dims):
    """Raises InvalidArgumentError unless the updates fit the indices into a tensor of these dims."""
    for name, array in (("Indices", indices), ("Updates", updates)):
        if not array.ndim:
            raise op.invalid(f"{name} shape must have rank at least one. Found:[]")
    if 0 in dims and indices.size and updates.size:
        raise op.invalid(
            f"Indices and updates specified for empty output.  indices shape: {show(indices.shape)}"
        )


def scatter_into(op, out, indices, updates, how):
    """Combines the updates with `out` at the index vectors, in place and in order."""
    if not indices.ndim:
        indices, updates = indices.reshape(1, 1), updates.reshape(1, *updates.shape)
    depth = indices.shape[-1]
    if depth and not check_policy(op):
        number = indices.size // depth
        vectors, rows = indices.reshape(number, depth), updates.reshape(number, *out.shape[depth:])
        if scatter_rows(how, out, vectors, rows) == number:
            return out
        # No native code, or a vector that is out of range: an error below.
    bad = bad_vectors(op, indices, out.shape[:depth], lambda: f"shape {show(out.shape)}")
    lead = indices.shape[:-1]
    rows = updates.reshape(-1, *out.shape[depth:]) if out.ndim > depth else updates.reshape(-1)
    vectors = indices.reshape(int(np.prod(lead, dtype=np.int64)), depth)
    if bad is not None:
        kept = ~bad.reshape(-1)
        vectors, rows = vectors[kept], rows[kept]
    if not vectors.size and depth:
        return out
    if not depth:
        count = int(np.prod(lead, dtype=np.int64))
        for i in range(count):
            out[...] = rows[i] if how == "set" else UFUNCS[how](out, rows[i])
        return out
    if scatter_rows(how, out, vectors, rows) is None:
        place = tuple(vectors.T)
        if how == "set":
            out[place] = rows
        else:
            UFUNCS[how].at(out, place, rows)
    return out


def lower_scatter(op, p, x, indices, updates, how):
    """Lowers a scatter; indices out of range raise an error, unless the op ignores them."""
    if op.T.np.hasobject or not indices.shape:
        raise NotLowerable(f"elements of type {op.T.name}, or a scalar index")
    depth = int(indices.shape[-1])
    lead = tuple(indices.shape[:-1])
    if not depth or depth > len(x.shape) or tuple(updates.shape) != lead + tuple(x.shape[depth:]):
        raise NotLowerable("updates that do not fit the indices")
    return combined(p, x, indices, updates, how, "drop" if check_policy(op) else "error")


def combined(p, x, indices, updates, how, mode):
    """Lowers x with updates combined by name; a sum of booleans is their "or"."""
    if x.dtype == dtypes.bool_ and how != "set":
        if how != "add":
            raise NotLowerable("differences of truth values")
        bits = [p.cast(values, dtypes.uint8) for values in (x, updates)]
        return p.ne(p.scatter(bits[0], indices, bits[1], op="max", mode=mode), 0)
    if how == "sub":
        updates, how = p.neg(updates), "add"
    return p.scatter(x, indices, updates, op=how, mode=mode)


class ScatterNd(Op):
    """Zeros of a shape with the updates added at index vectors."""

    ranks = {"shape": (1,), "indices": at_least(1), "updates": at_least(1)}
    signature = "indices: Tindices, updates: T, shape: Tindices -> output: T"
    host_kernel = HostKernel(compiles_from=SLOWEST)
    T = ANY
    Tindices = WIDE_INDEX
    bad_indices_policy: str = ""
    vectorize = "indices, rows, shape"

    def output_shape(self, indices, updates, shape):
        target = infer.held(shape)
        rows_shape(indices, updates, target)
        return target

    def gradient(self, indices, _updates, _shape, _output, dy):
        return None, raw.GatherNd(dy, indices), None

    @quiet
    def eager(self, indices, updates, shape):
        if shape.ndim != 1:
            raise self.invalid("Shape must be a vector")
        dims = shape.tolist()
        for d in dims:
            if d < 0:
                raise self.invalid(f"Dimension {d} must be >= 0")
        if not dims and (indices.size or updates.size):
            raise self.invalid("Indices and updates specified for empty output shape")
        check_scatter(self, indices, updates, dims)
        depth, outer = indices.shape[-1], indices.ndim - 1
        of_updates = f"of updates[shape={show(updates.shape)}]"
        if indices.shape[:-1] != updates.shape[:outer]:
            raise self.invalid(
                f"Dimensions [0,{outer}) of indices[shape={show(indices.shape)}] must match "
                f"dimensions [0,{outer}) {of_updates}"
            )
        if depth > len(dims) or updates.shape[outer:] != tuple(dims[depth:]):
            raise self.invalid(
                f"Dimensions [{depth},{len(dims)}) of input[shape={show(dims)}] must match "
                f"dimensions [{outer},{updates.ndim}) {of_updates}"
            )
        wide = in_float32(updates)
        out = np.full(dims, zero_of(self.T), wide.dtype)
        return scatter_into(self, out, indices, wide, "add").astype(updates.dtype, copy=False)

    def lower(self, p, indices, updates, shape):
        dims = dims_of(p, shape, "the shape")
        if self.T.np.hasobject or any(d < 0 for d in dims):
            raise NotLowerable(f"elements of type {self.T.name}")
        return lower_scatter(self, p, p.full(dims, 0, self.T), indices, updates, "add")


def _has_elements(shape):
    """True if a static shape says that there are elements."""
    return bool(shape.rank is not None and shape.num_elements())


class _TensorScatter(Op):
    """A tensor with updates combined at index vectors; `how` names the combination."""

    signature = "tensor: T, indices: Tindices, updates: T -> output: T"
    host_kernel = HostKernel(compiles_from=SLOWEST)
    ranks = {"indices": at_least(1), "tensor": at_least(1)}
    T = ANY
    Tindices = INDEX
    bad_indices_policy: str = ""
    vectorize = "rows, indices, rows"

    def shape(self, tensor, indices, updates):
        if (
            tensor.rank is not None
            and 0 in tensor.as_list()
            and _has_elements(indices)
            and _has_elements(updates)
        ):
            raise ValueError("Indices and updates specified for empty input")
        rows_shape(indices, updates, tensor)
        return tensor

    @quiet
    def eager(self, tensor, indices, updates):
        self.check(tensor, indices, updates)
        return scatter_into(self, np.array(tensor), indices, updates, self.how)

    def check(self, tensor, indices, updates):
        """Raises InvalidArgumentError unless the shapes fit together."""
        check_scatter(self, indices, updates, tensor.shape)
        depth, outer = indices.shape[-1], indices.ndim - 1
        if updates.shape[:outer] != indices.shape[:-1]:
            raise self.invalid(
                "Outer dimensions of indices and update must match. Indices shape: "
                f"{show(indices.shape)}, updates shape:{show(updates.shape)}"
            )
        if depth > tensor.ndim or updates.shape[outer:] != tensor.shape[depth:]:
            raise self.invalid(
                "Inner dimensions of output shape must match inner dimensions of updates shape. "
                f"Output: {show(tensor.shape)} updates: {show(updates.shape)}"
            )

    def lower(self, p, tensor, indices, updates):
        return lower_scatter(self, p, tensor, indices, updates, self.how)


class TensorScatterUpdate(_TensorScatter):
    """The tensor with updates at index vectors; for equal vectors the last one wins."""

    Tindices = WIDE_INDEX | {dtypes.uint16}
    how = "set"

    def gradient(self, _tensor, indices, updates, _output, dy):
        rest = raw.TensorScatterUpdate(dy, indices, raw.ZerosLike(updates))
        return rest, None, raw.GatherNd(dy, indices)


class TensorScatterAdd(_TensorScatter):
    """The tensor with updates added at index vectors."""

    how = "add"
    slices = Slices(accepted=True)

    def gradient(self, _tensor, indices, _updates, _output, dy):
        return dy, None, raw.GatherNd(dy, indices)


class TensorScatterSub(_TensorScatter):
    """The tensor with updates subtracted at index vectors."""

    how = "sub"
    slices = Slices(accepted=True)

    def gradient(self, _tensor, indices, _updates, _output, dy):
        return dy, None, raw.Neg(raw.GatherNd(dy, indices))


class _TensorScatterExtreme(_TensorScatter):
    """The larger or smaller of the tensor and its updates; equal ones share the gradient."""

    def gradient(self, tensor, indices, updates, output, dy):
        kept = cast(raw.Equal(tensor, output), dy.dtype)
        taken = cast(raw.Equal(updates, raw.GatherNd(output, indices)), dy.dtype)
        shape = raw.Shape(tensor, out_type=indices.dtype)
        share = raw.Div(dy, kept + raw.ScatterNd(indices, taken, shape))
        return kept * share, None, raw.GatherNd(share, indices) * taken


class TensorScatterMax(_TensorScatterExtreme):
    """The larger of the tensor and its updates at index vectors."""

    how = "max"


class TensorScatterMin(_TensorScatterExtreme):
    """The smaller of the tensor and its updates at index vectors."""

    how = "min"


class ScatterNdNonAliasingAdd(_TensorScatter):
    """The input with updates added at index vectors."""

    signature = "input: T, indices: Tindices, updates: T -> output: T"
    ranks = {"input": at_least(1)}
    T = NUMBER | BOOL
    how = "add"
    slices = Slices(accepted=True)

    def shape(self, input, indices, updates):
        rows_shape(indices, updates, input)
        return input

    def gradient(self, _input, indices, _updates, _output, dy):
        return dy, None, raw.GatherNd(dy, indices)

    def eager(self, input, indices, updates):
        return super().eager(input, indices, updates)

    def lower(self, p, input, indices, updates):
        return super().lower(p, input, indices, updates)


# -- rows ------------------------------------------------------------------------------------------


class _Inplace(Op):
    """x with rows v combined at row numbers i; the result is a new tensor."""

    signature = "x: T, i: int32, v: T -> y: T[x]"
    T = ANY

    @quiet
    def eager(self, x, i, v):
        if i.ndim > 1:
            raise self.invalid(f"i must be a vector. {show(i.shape)}")
        rows = i.reshape(-1)
        values = v if i.ndim else v.reshape(1, *v.shape)
        if values.shape[1:] != x.shape[1:]:
            raise self.invalid(f"x and v shape doesn't match: {show(x.shape)} vs. {show(v.shape)}")
        if values.shape[:1] != rows.shape:
            raise self.invalid(
                f"i and x shape doesn't match at index 0: {show(rows.shape)} vs. {show(v.shape)}"
            )
        out = np.array(x)
        # Row numbers are taken modulo the number of rows.
        rows = rows % max(x.shape[0], 1)
        if self.how == "set":
            out[rows] = values
        elif scatter_rows(self.how, out, rows[:, None], values) is None:
            UFUNCS[self.how].at(out, rows, values)
        return out

    def lower(self, p, x, i, v):
        values = v if i.rank else p.expand_dims(v, 0)
        rows = p.reshape(i, [i.size])
        if i.rank > 1 or not x.rank or not x.size or values.shape != (*rows.shape, *x.shape[1:]):
            raise NotLowerable("values that do not fit the rows")
        places = p.mod(rows, p.scalar(x.shape[0], rows.dtype))
        return combined(p, x, p.expand_dims(places, 1), values, self.how, "drop")


class InplaceUpdate(_Inplace):
    """x with rows i replaced by v."""

    how = "set"


class InplaceAdd(_Inplace):
    """x with v added to rows i."""

    how = "add"


class InplaceSub(_Inplace):
    """x with v subtracted from rows i."""

    how = "sub"
