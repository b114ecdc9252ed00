"""Gathers rows of variables, and scatters updates into them."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY, INDEX, NUMBER
from penstock._src.core.values.resources import as_variable, owned
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.grouping.segments import combine_at
from penstock._src.ops.array.gather import rows_shape
from penstock._src.ops.array.slice import TensorStridedSliceUpdate
from penstock._src.ops.rules import show
from penstock._src.ops.state.variable import variable_shape

COMBINE = {
    "add": np.add.at,
    "sub": np.subtract.at,
    "mul": np.multiply.at,
    "div": np.divide.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}


def combine(op, array, index, updates):
    """Combines updates into `array` in place; repeated indices are applied one after the other."""
    if op == "set":
        array[index] = updates
    elif op == "div" and array.dtype.kind in "iu":
        _divide_integers(array, index, updates)
    elif op == "div" or not _combined_natively(op, array, index, updates):
        COMBINE[op](array, index, updates)


def _divide_integers(array, index, updates):
    """Divides integers in place one after the other, each quotient truncated towards zero: magnitudes and signs by themselves."""
    unsigned = f"u{array.dtype.itemsize}"
    magnitudes = np.abs(array).view(unsigned)  # the least integer's is right as an unsigned one
    np.floor_divide.at(magnitudes, index, np.asarray(np.abs(updates)).view(unsigned))
    negative = array < 0
    np.logical_xor.at(negative, index, updates < 0)
    magnitudes = magnitudes.view(array.dtype)
    array[...] = np.where(negative, -magnitudes, magnitudes)


def _combined_natively(op, array, index, updates):
    """Combines updates into a contiguous array at rows, or at elements given by an index of each axis, if native code can."""
    columns = index if type(index) is tuple else (index,)
    if not array.size or not columns or not array.flags.c_contiguous:
        return False
    extents, rest = array.shape[: len(columns)], array.shape[len(columns) :]
    numbers = columns[0].astype(np.int64)
    for column, extent in zip(columns[1:], extents[1:], strict=True):
        numbers = numbers * extent + column
    rows = np.broadcast_to(updates, (*numbers.shape, *rest))
    rows = rows.reshape(numbers.size, math.prod(rest))
    return combine_at(op, array.reshape(math.prod(extents), -1), numbers.reshape(-1), rows)


def _shape_of(resource):
    """The shape of a variable as a tensor; a constant if it is known, since the variable may be far away."""
    handle_data = getattr(resource, "_handle_data", None)
    static = TensorShape(handle_data[0][0]) if handle_data else TensorShape(None)
    if static.is_fully_defined():
        return convert_to_tensor(np.array(static.as_list(), np.int32))
    return raw.VariableShape(input=resource, out_type=dtypes.int32)


class ResourceGather(Op):
    """The rows of a variable at the given indices."""

    signature = "resource: resource, indices: Tindices -> output: dtype"
    Tindices = INDEX
    batch_dims: int = 0
    validate_indices: bool = True
    dtype: DType
    effects = Effects(reads_only=True)

    def shape(self, resource, indices):
        params = variable_shape(resource)
        if params.rank is None or indices.rank is None:
            return None
        batch = self.batch_dims
        if batch < 0:
            raise ValueError(f"batch_dims is negative ({batch})")
        return params[:batch].concatenate(indices[batch:]).concatenate(params[batch + 1 :])

    def gradient(self, resource, indices, _output, dy):
        if self.batch_dims:
            raise UnimplementedError(
                "ResourceGather: the gradient with batch_dims is not implemented."
            )
        rows = _shape_of(resource)
        tail = raw.StridedSlice(input=rows, begin=[1], end=[0], strides=[1], end_mask=1)
        count = raw.Reshape(tensor=raw.Size(input=indices), shape=[1])
        values = raw.Reshape(tensor=dy, shape=raw.ConcatV2(values=[count, tail], axis=0))
        flat = raw.Reshape(tensor=indices, shape=[-1])
        return IndexedSlices(values, flat, rows), None

    def eager(self, resource, indices):
        value = as_variable(resource, "ResourceGather").read()
        if not 0 <= self.batch_dims <= indices.ndim:
            raise self.invalid(
                f"Expected batch_dims in the range [{-indices.ndim}, {indices.ndim}], but got "
                f"{self.batch_dims}"
            )
        _check_rows(self, indices, value.shape[self.batch_dims])
        if self.batch_dims == 0:
            return value[indices]
        lead = np.ogrid[tuple(slice(n) for n in indices.shape[: self.batch_dims])]
        lead = [a.reshape(a.shape + (1,) * (indices.ndim - self.batch_dims)) for a in lead]
        return value[(*lead, indices)]

    def lower(self, p, resource, indices):
        value = p.read_variable(resource)
        batch = self.batch_dims
        return p.gather(value, indices, batch, batch_dims=batch, mode="error")


class ResourceGatherNd(Op):
    """The slices of a variable at index vectors."""

    signature = "resource: resource, indices: Tindices -> output: dtype"
    Tindices = INDEX
    dtype: DType
    effects = Effects(reads_only=True)

    def shape(self, resource, indices):
        params = variable_shape(resource)
        if params.rank is None or indices.rank is None or indices[-1] is None:
            return None
        if indices[-1] > params.rank:
            raise ValueError(
                f"indices.shape[-1] must be <= params.rank, but saw indices shape: {show(indices)} "
                f"and params shape: {show(params)}"
            )
        return indices[:-1].concatenate(params[indices[-1] :])

    def gradient(self, resource, indices, _output, dy):
        shape = raw.VariableShape(input=resource, out_type=indices.dtype)
        return raw.ScatterNd(indices=indices, updates=dy, shape=shape), None

    def eager(self, resource, indices):
        value = as_variable(resource, "ResourceGatherNd").read()
        _check_vectors(self, indices, value.shape, "param shape")
        return value[_vector_index(indices)]


def check_updates(variable, indices, updates):
    """Raises ValueError unless static shapes of updates are those of rows of a variable, or of a scalar."""
    if variable.rank is not None and updates.rank != 0:
        updates.merge_with(indices.concatenate(variable[1:]))


# The ops that combine updates into the slices of a tensor.
_ON_TENSORS = {
    "add": "TensorScatterAdd", "sub": "TensorScatterSub", "set": "TensorScatterUpdate", "max": "TensorScatterMax", "min": "TensorScatterMin",
}  # fmt: skip


class _VariableScatter(Op):
    """Combines updates into the rows of a variable at `indices`."""

    signature = "resource: resource, indices: Tindices, updates: dtype ->"
    Tindices = INDEX
    effects = Effects(updates=True)

    combination = "add"

    def shape(self, resource, indices, updates):
        check_updates(variable_shape(resource), indices, updates)
        return ()

    def eager(self, resource, indices, updates):
        variable = as_variable(resource, type(self).__name__)
        current = variable.read()
        self._check(current, indices, updates)
        _check_rows(self, indices, current.shape[0])
        if self.combination == "div" and not np.all(updates):
            raise self.invalid("updates must not contain 0")
        del current
        value = variable.to_update()
        combine(self.combination, value, indices, updates)
        variable.value = owned(value)

    def _check(self, value, indices, updates):
        if not hasattr(updates, "shape"):  # one variant for all rows
            return
        wanted = (*indices.shape, *value.shape[1:])
        if len(updates.shape) and tuple(updates.shape) != wanted:
            rows = tuple(updates.shape[: len(indices.shape)])
            if len(updates.shape) == len(wanted) and rows != tuple(indices.shape):
                raise self.invalid(
                    f"The shape of indices ({show(indices.shape)}) must be a prefix of the shape of updates ({show(updates.shape)})"
                )
            raise self.invalid(
                "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], "
                f"got updates.shape {show(updates.shape)}, indices.shape {show(indices.shape)}, "
                f"params.shape {show(value.shape)}"
            )

    def value_after(self, before, indices, updates):
        if self.combination not in _ON_TENSORS or updates.shape.rank == 0:  # one number for all
            return None
        places = raw.ExpandDims(input=indices, axis=np.int32(-1))
        return getattr(raw, _ON_TENSORS[self.combination])(before, places, updates)

    def lower(self, p, resource, indices, updates):
        value = p.read_variable(resource)
        op = self.combination
        if op == "div":
            raise NotLowerable("division has no scatter")
        self._check(value, indices, updates)
        if op == "sub":
            op, updates = "add", -updates
        wanted = (*indices.shape, *value.shape[1:])
        updates = p.broadcast_to(updates, wanted)
        columns = p.expand_dims(indices, len(indices.shape))
        p.assign_variable(resource, p.scatter(value, columns, updates, op, mode="error"))
        return ()


class ResourceScatterAdd(_VariableScatter):
    """Adds updates to rows."""

    dtype = NUMBER


class ResourceScatterSub(_VariableScatter):
    """Subtracts updates from rows."""

    dtype = NUMBER
    combination = "sub"


class ResourceScatterMul(_VariableScatter):
    """Multiplies rows by updates."""

    dtype = NUMBER
    combination = "mul"


class ResourceScatterDiv(_VariableScatter):
    """Divides rows by updates."""

    dtype = NUMBER
    combination = "div"


class ResourceScatterMax(_VariableScatter):
    """Sets rows to their elementwise maximum with updates."""

    dtype = NUMBER
    combination = "max"


class ResourceScatterMin(_VariableScatter):
    """Sets rows to their elementwise minimum with updates."""

    dtype = NUMBER
    combination = "min"


class ResourceScatterUpdate(_VariableScatter):
    """Replaces rows by updates."""

    dtype = ANY
    combination = "set"


class _ScatterNd(Op):
    """Combines updates into the slices of a variable at index vectors."""

    signature = "ref: resource, indices: Tindices, updates: T ->"
    ranks = {"indices": at_least(1), "updates": at_least(1)}
    Tindices = INDEX
    bad_indices_policy: str = ""
    effects = Effects(updates=True)

    combination = "add"

    def shape(self, ref, indices, updates):
        rows_shape(indices, updates, variable_shape(ref))
        return ()

    def eager(self, ref, indices, updates):
        variable = as_variable(ref, type(self).__name__)
        value = variable.read().copy()
        depth = indices.shape[-1] if indices.ndim else 0
        lead = indices.ndim - 1
        if depth > value.ndim:
            raise self.invalid(
                f"The inner dimension of indices[shape={show(indices.shape)}] is more than the "
                f"rank of input[shape={show(value.shape)}]"
            )
        if updates.shape[:lead] != indices.shape[:-1]:
            raise self.invalid(
                f"Dimensions [0,{lead}) of indices[shape={show(indices.shape)}] = "
                f"{indices.shape[0]} must match dimensions [0,{lead}) of "
                f"updates[shape={show(updates.shape)}] = {(updates.shape or (0,))[0]}"
            )
        if updates.shape[lead:] != value.shape[depth:]:
            raise self.invalid(
                f"Dimensions [{depth},{value.ndim}) of input[shape={show(value.shape)}] must match "
                f"dimensions [{lead},{updates.ndim}) of updates[shape={show(updates.shape)}]"
            )
        if self.bad_indices_policy == "IGNORE":
            inside = _inside(indices, value.shape)
            indices, updates = indices[inside], updates[inside]
        _check_vectors(self, indices, value.shape, "shape")
        combine(self.combination, value, _vector_index(indices), updates)
        variable.value = owned(value)

    def value_after(self, before, indices, updates):
        scatter = getattr(raw, _ON_TENSORS[self.combination])
        return scatter(before, indices, updates, bad_indices_policy=self.bad_indices_policy)

    def lower(self, p, ref, indices, updates):
        value = p.read_variable(ref)
        op = self.combination
        if op == "sub":
            op, updates = "add", -updates
        mode = "drop" if self.bad_indices_policy == "IGNORE" else "error"
        p.assign_variable(ref, p.scatter(value, indices, updates, op, mode=mode))
        return ()


class ResourceScatterNdAdd(_ScatterNd):
    """Adds updates to slices."""

    T = ANY
    use_locking: bool = True


class ResourceScatterNdSub(_ScatterNd):
    """Subtracts updates from slices."""

    T = ANY
    use_locking: bool = True
    combination = "sub"


class ResourceScatterNdMax(_ScatterNd):
    """Sets slices to their elementwise maximum with updates."""

    T = ANY
    use_locking: bool = True
    combination = "max"


class ResourceScatterNdMin(_ScatterNd):
    """Sets slices to their elementwise minimum with updates."""

    T = ANY
    use_locking: bool = True
    combination = "min"


class ResourceScatterNdUpdate(_ScatterNd):
    """Replaces slices by updates."""

    T = ANY
    use_locking: bool = True
    combination = "set"


class ResourceStridedSliceAssign(TensorStridedSliceUpdate):
    """Assigns a broadcast value to a strided slice of a variable."""

    signature = "ref: resource, begin: Index, end: Index, strides: Index, value: T ->"
    gradient = None
    effects = Effects(updates=True)

    def eager(self, ref, begin, end, strides, value):
        variable = as_variable(ref, "ResourceStridedSliceAssign")
        updated = super().eager(variable.read(), begin, end, strides, value)
        variable.value = owned(updated)

    def lower(self, p, ref, begin, end, strides, value):
        current = p.read_variable(ref)
        p.assign_variable(ref, super().lower(p, current, begin, end, strides, value))
        return ()


def _check_rows(op, indices, rows):
    wrong = (indices < 0) | (indices >= rows)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        where = ",".join(map(str, at))
        raise op.invalid(f"indices[{where}] = {indices[at]} is not in [0, {rows})")


def _inside(indices, shape):
    if indices.shape[-1] == 1 and shape:
        column = indices[..., 0]
        return (column >= 0) & (column < shape[0])
    limits = np.array(shape[: indices.shape[-1]])
    return ((indices >= 0) & (indices < limits)).all(-1)


def _check_vectors(op, indices, shape, what):
    inside = _inside(indices, shape)
    if not inside.all():
        at = tuple(np.argwhere(~inside)[0])
        where = ",".join(map(str, at))
        vector = ", ".join(map(str, indices[at]))
        raise op.invalid(f"indices[{where}] = [{vector}] does not index into {what} {show(shape)}")


def _vector_index(indices):
    if indices.shape[-1] == 1:
        return (indices[..., 0],)
    return tuple(np.moveaxis(indices, -1, 0)) if indices.shape[-1] else (Ellipsis,)
