"""Shape queries, and ops that change a tensor's shape."""

import math
import operator

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Definition, Elements, HostKernel, Slices, Values
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY, COMPLEX, FLOAT, INDEX, INTEGER, QUANTIZED
from penstock._src.core.values.groups import NotGrouped, Ragged, Stacked, is_group
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_one, is_repeated, product
from penstock._src.ops import infer
from penstock._src.ops.rules import (
    dims_of,
    reshape,
    shape_of,
    show,
    value_of,
)


def extents(value):
    """Returns the shape of a host value; () for a resource or variant."""
    return value.shape if isinstance(value, np.ndarray) else getattr(value, "shape_of_variant", ())


def held_extents(op, numbers):
    """Sizes as a vector of the op's output dtype; InvalidArgumentError if a size does not fit."""
    dtype = op.out_type
    most = dtype.max
    for number in numbers:
        if number > most:
            raise op.invalid(f"output type is {8 * dtype.size}-bit but an extent is {number}")
    return np.array(numbers, dtype.np)


def _shape_value(p, numbers, dtype):
    if any(number > dtype.max for number in numbers):
        raise NotLowerable("an extent that does not fit the dtype of shapes")
    return p.shape_value(numbers, dtype)


class Shape(Op):
    """The shape, as a vector."""

    signature = "input: T -> output: out_type[rank(input)]"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    out_type: INDEX = dtypes.int32
    differentiable = False
    values = Values(has_static_value=True)

    def eager(self, input):
        return held_extents(self, extents(input))

    def lower(self, p, input):
        return _shape_value(p, input.shape, self.out_type)


class ShapeN(Op):
    """The shapes of several tensors, as vectors."""

    signature = "input: N * T -> output: N * out_type"
    minimum = {"N": 1}
    host_kernel = HostKernel(is_view=True)
    T = ANY
    out_type: INDEX = dtypes.int32
    differentiable = False

    def shape(self, input):
        return [[x.rank] for x in input]

    def eager(self, input):
        return [held_extents(self, extents(x)) for x in input]

    def lower(self, p, input):
        return [_shape_value(p, x.shape, self.out_type) for x in input]


class Size(Op):
    """The number of elements."""

    signature = "input: T -> output: out_type[]"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    out_type: INDEX = dtypes.int32
    differentiable = False
    values = Values(has_static_value=True)

    def eager(self, input):
        return held_extents(self, [math.prod(extents(input))]).reshape(())

    def lower(self, p, input):
        total = 1
        for d in input.shape:
            total = d * total
        return p.reshape(_shape_value(p, [total], self.out_type), ())


class Rank(Op):
    """The number of dimensions."""

    signature = "input: T -> output: int32[]"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    differentiable = False
    values = Values(has_static_value=True)

    def eager(self, input):
        return np.array(len(extents(input)), np.int32)

    def lower(self, p, input):
        return p.constant(np.int32(len(input.shape)), dtypes.int32)


# -- another shape ---------------------------------------------------------------------------------


class Reshape(Op):
    """The same elements in row-major order in another shape; one dimension may be -1."""

    ranks = {"shape": (1,)}
    signature = "tensor: T, shape: Tshape -> output: T"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    Tshape: INDEX = dtypes.int32
    vectorize = "rows, shape"
    elements = Elements(is_movement=True)

    def output_shape(self, tensor, shape):
        target = infer.held(shape)
        if target.rank is None:
            return unknown_shape(infer.vector_length(shape))
        dims, count = target.as_list(), None
        if tensor.rank is not None:
            count = infer.size(tensor.as_list())
        free = [i for i, d in enumerate(dims) if d is None]
        rest = infer.size([d for d in dims if d is not None])
        if count is not None and not free and rest != count:
            raise ValueError(
                f"Cannot reshape a tensor with {count} elements to shape {show(dims)} "
                f"({rest} elements)"
            )
        if count is not None and len(free) == 1 and rest:
            if count % rest:
                raise ValueError(
                    f"Dimension size must be evenly divisible by {rest} but is {count}"
                )
            dims[free[0]] = count // rest
        return TensorShape(dims)

    def gradient(self, tensor, _shape, _output, dy):
        return reshape(dy, shape_of(tensor)), None

    def eager(self, tensor, shape):
        return tensor.reshape(self.target(tensor.shape, shape))

    def eager_given(self, constant, _tensor, shape):
        return operator.methodcaller("reshape", shape.tolist()) if constant[1] else None

    def eager_each(self, tensor, shape):
        if not is_group(tensor) or is_group(shape):
            raise NotGrouped
        if type(tensor) is Ragged:
            if tensor.values.ndim == 1 and shape.tolist() == [-1]:
                return tensor
            tensor = tensor.stacked()
        array = tensor.array
        return Stacked(array.reshape(len(array), *self.target(array.shape[1:], shape)))

    def target(self, extents, shape):
        """Returns `shape` with -1 resolved for a tensor of shape `extents`.

        Raises:
          InvalidArgumentError: it is invalid.
        """
        if shape.ndim > 1:
            raise self.invalid(f"sizes input must be 1-D, not {show(shape.shape)}")
        dims, count = shape.ravel().tolist(), math.prod(extents)
        if len(dims) >= 254:
            raise self.invalid(f"too many dimensions: must be < 254, but received {len(dims)}")
        free, rest = None, 1
        for i, d in enumerate(dims):
            if d == -1:
                if free is not None:
                    raise self.invalid(f"Only one input size may be -1, not both {free} and {i}")
                free = i
            elif d < 0:
                raise self.invalid(f"Size {i} must be non-negative, not {d}")
            else:
                rest *= d
        if free is not None:
            if count % rest if rest else count:
                raise self.invalid(
                    f"Input to reshape is a tensor with {count} values, but the requested shape "
                    f"requires a multiple of {rest}"
                )
            dims[free] = count // rest if rest else _left(extents, dims)
        elif rest >= 2**63:
            raise self.invalid(f"Shape {dims} has too many elements")
        elif rest != count:
            raise self.invalid(
                f"Input to reshape is a tensor with {count} values, but the requested shape has "
                f"{rest}"
            )
        return dims

    def lower(self, p, tensor, shape):
        dims = dims_of(p, shape, "the shape")
        free = [i for i, d in enumerate(dims) if d == -1]
        rest = product([d for i, d in enumerate(dims) if i not in free])
        count = tensor.size
        fits = count == rest if not free else len(free) == 1 and rest and count % rest == 0
        if not fits and not (count == 0 and rest == 0):
            raise NotLowerable("a shape that the elements do not fill")
        if len(free) == 1 and not rest:
            dims[free[0]] = _left(tensor.shape, dims)
        return p.reshape(tensor, dims)


def _left(extents, dims):
    """Resolves -1 next to dimensions of 0, where it is ambiguous: like TensorFlow, ignores zeros on both sides."""
    known_product = product([d for d in extents if d])
    return known_product // product([d for d in dims if d and d != -1])


class Squeeze(Op):
    """The tensor without dimensions of size 1: the ones named, by default all."""

    signature = "input: T -> output: T"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    squeeze_dims: list[int] = []
    definition = Definition(raw_names={"axis": "squeeze_dims"})
    elements = Elements(is_movement=True)

    def shape(self, input):
        if input.rank is None:
            return UNKNOWN
        dims = input.as_list()
        if not self.squeeze_dims:
            return UNKNOWN if None in dims else [d for d in dims if d != 1]
        gone, rank = set(), input.rank
        for i, axis in enumerate(self.squeeze_dims):
            if not -rank <= axis < rank:
                raise ValueError(f"squeeze_dims[{i}] not in [{-rank},{rank}).")
            gone.add(axis % rank)
        for axis in gone:
            if dims[axis] not in (None, 1):
                raise ValueError(
                    f"Can not squeeze dim[{axis}], expected a dimension of 1, got {dims[axis]}"
                )
        return [d for i, d in enumerate(dims) if i not in gone]

    def gradient(self, input, _output, dy):
        return reshape(dy, shape_of(input))

    def eager(self, input):
        return input.reshape(self.target(input.shape))

    def eager_each(self, input):
        if type(input) is not Stacked:
            raise NotGrouped
        array = input.array
        return Stacked(array.reshape(len(array), *self.target(array.shape[1:])))

    def target(self, shape):
        """Returns the remaining dimensions; raises InvalidArgumentError if a named one is not 1."""
        rank, gone = len(shape), set()
        for axis in self.squeeze_dims:
            if not -rank <= axis < rank:
                raise self.invalid(
                    f"Tried to squeeze dim index {axis} for tensor with {rank} dimensions."
                )
            if shape[axis] != 1:
                raise self.invalid(
                    f"Can not squeeze dim[{axis % rank}], expected a dimension of 1, "
                    f"got {shape[axis]}"
                )
            gone.add(axis % rank)
        if not self.squeeze_dims:
            return [d for d in shape if d != 1]
        return [d for i, d in enumerate(shape) if i not in gone]

    def lower(self, p, input):
        rank = len(input.shape)
        axes = self.squeeze_dims or [i for i, d in enumerate(input.shape) if d == 1]
        if any(not -rank <= a < rank or input.shape[a] != 1 for a in axes):
            raise NotLowerable("a dimension that is not 1")
        return p.squeeze(input, [a % rank for a in axes]) if axes else input


class ExpandDims(Op):
    """The tensor with a dimension of 1 inserted."""

    signature = "input: T, axis: Tdim -> output: T"
    definition = Definition(input_names={"axis": "dim"})
    host_kernel = HostKernel(is_view=True)
    T = ANY
    Tdim: INDEX = dtypes.int32
    vectorize = "rows, axis"
    elements = Elements(is_movement=True)

    def shape(self, input, axis):
        if input.rank is None:
            return UNKNOWN
        if axis.is_fully_defined() and axis.num_elements() != 1:
            raise ValueError("'dim' input must be a tensor with a single value")
        if axis.value is None:
            return UNKNOWN if axis.rank is None else unknown_shape(input.rank + 1)
        at, rank = int(np.ravel(axis.value)[0]), input.rank
        if not -rank - 1 <= at <= rank:
            raise ValueError(f"dim {at} not in the interval [{-rank - 1}, {rank}].")
        at %= rank + 1
        dims = input.as_list()
        return dims[:at] + [1] + dims[at:]

    def gradient(self, input, _axis, _output, dy):
        return reshape(dy, shape_of(input)), None

    def eager(self, input, axis):
        if axis.size != 1:
            raise self.invalid("'dim' must be a tensor with a single value")
        at, rank = axis.item(), input.ndim
        if not -rank - 1 <= at <= rank:
            raise self.invalid(f"Tried to expand dim index {at} for tensor with {rank} dimensions.")
        at, shape = at % (rank + 1), input.shape
        return input.reshape(*shape[:at], 1, *shape[at:])  # quicker than NumPy's expand_dims

    def eager_given(self, constant, input, axis):
        if not constant[1]:
            return None
        at = axis.item() % (input.ndim + 1)
        return operator.itemgetter((*(slice(None),) * at, None, ...))

    def eager_each(self, input, axis):
        if type(input) is not Stacked or is_group(axis):
            raise NotGrouped
        at, rank = axis.item(), input.array.ndim - 1
        if not -rank - 1 <= at <= rank:
            raise NotGrouped
        return Stacked(np.expand_dims(input.array, at + 1 if at >= 0 else at))

    def lower(self, p, input, axis):
        at = int(value_of(p, axis, "the axis").reshape(()))
        if not -len(input.shape) - 1 <= at <= len(input.shape):
            raise NotLowerable("an axis out of range")
        return p.expand_dims(input, at % (len(input.shape) + 1))


class EnsureShape(Op):
    """The input, checked to have a shape."""

    signature = "input: T -> output: T"
    host_kernel = HostKernel(is_view=True)
    slices = Slices(accepted=True)
    T = ANY
    shape: TensorShape

    def output_shape(self, input):
        return self.attrs["shape"].merge_with(input)

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        expected = self.attrs["shape"]
        if not expected.is_compatible_with(extents(input)):
            raise self.invalid(
                f"Shape of tensor input {show(extents(input))} is not compatible with expected "
                f"shape {show(expected)}."
            )
        return input

    def lower(self, p, input):
        if not self.attrs["shape"].is_compatible_with(TensorShape(input.shape)):
            raise NotLowerable("a shape that is not the expected one")
        return input


class Bitcast(Op):
    """The same bits as another dtype; the last dimension absorbs a difference in size."""

    signature = "input: T -> output: type"
    host_kernel = HostKernel(is_view=True)
    T = FLOAT | INTEGER | COMPLEX | QUANTIZED
    type: FLOAT | INTEGER | COMPLEX | QUANTIZED
    vectorize = "rows"

    def shape(self, input):
        have, want = self.T.size, self.attrs["type"].size
        if input.rank is None or have == want:
            return input
        if have > want:
            return [*input.as_list(), have // want]
        if input.rank == 0 or input[-1] not in (None, want // have):
            raise ValueError(
                f"Cannot bitcast from {self.T.name} to {self.attrs['type'].name}: the last "
                f"dimension must be {want // have}. Received shape {input}"
            )
        return input.as_list()[:-1]

    def eager(self, input):
        target = self.attrs["type"].np
        have, want = input.dtype.itemsize, target.itemsize
        input = np.asarray(input, order="C")
        if have == want:
            return input.view(target)
        if have > want:
            return input.reshape(*input.shape, 1).view(target)
        if not input.ndim or input.shape[-1] != want // have:
            raise self.invalid(
                f"Cannot bitcast from {self.T.as_datatype_enum} to "
                f"{self.attrs['type'].as_datatype_enum}"
            )
        return input.view(target).reshape(input.shape[:-1])

    def lower(self, p, input):
        target = self.attrs["type"]
        wider = target.size // self.T.size
        if wider > 1 and (not input.shape or input.shape[-1] != wider):
            raise NotLowerable("a last dimension that does not fill the wider type")
        if {self.T, target} & QUANTIZED:
            raise NotLowerable("quantized types")
        return p.bitcast(input, target)


# -- shapes as values ------------------------------------------------------------------------------


def broadcast_vectors(op, first, second):
    """Returns the broadcast of two shape vectors.

    Raises:
      InvalidArgumentError: they are incompatible.
    """
    for name, vector in (("s0", first), ("s1", second)):
        if vector.ndim != 1:
            raise op.invalid(f"{name} must be a vector, not {show(vector.shape)}")
    rank = max(first.size, second.size)
    padded = [[1] * (rank - v.size) + v.tolist() for v in (first, second)]
    if any(a != b and 1 not in (a, b) for a, b in zip(*padded)):
        raise op.invalid(f"Incompatible shapes: {show(first)} vs. {show(second)}")
    return tuple(b if a == 1 else a for a, b in zip(*padded))


class BroadcastArgs(Op):
    """The shape to which two shapes broadcast."""

    ranks = {"s0": (1,), "s1": (1,)}
    signature = "s0: T, s1: T -> r0: T"
    T: INDEX = dtypes.int32

    def shape(self, s0, s1):
        lengths = infer.vector_length(s0.with_rank(1)), infer.vector_length(s1.with_rank(1))
        return [None if None in lengths else max(lengths)]

    def eager(self, s0, s1):
        return np.array(broadcast_vectors(self, s0, s1), self.T.np)

    def lower(self, p, s0, s1):
        first, second = dims_of(p, s0, "s0"), dims_of(p, s1, "s1")
        return p.shape_value(p.broadcast_shape(first, second), self.T)


class BroadcastGradientArgs(Op):
    """The axes over which to sum the gradients of two broadcast operands, given their shapes."""

    ranks = {"s0": (1,), "s1": (1,)}
    signature = "s0: T, s1: T -> r0: T[?], r1: T[?]"
    host_kernel = HostKernel(is_view=True)
    T: INDEX = dtypes.int32
    differentiable = False

    def eager(self, s0, s1):
        whole = broadcast_vectors(self, s0, s1)
        return tuple(
            np.array(axes, self.T.np) for axes in summed_axes(s0.tolist(), s1.tolist(), whole)
        )

    def lower(self, p, s0, s1):
        first, second = dims_of(p, s0, "s0"), dims_of(p, s1, "s1")
        whole = p.broadcast_shape(first, second)
        readers = getattr(p.origin, "readers", list)  # none if no operation of a graph is lowered
        users = readers()
        if users and all(user.type == "Sum" for user in users):
            axes = repeated_axes(first, whole), repeated_axes(second, whole)
        else:
            axes = summed_axes(list(first), list(second), whole)
        return tuple(p.constant(np.array(a, self.T.np), self.T) for a in axes)


def summed_axes(first, second, whole):
    """Returns, for each of two shapes, the axes of `whole` along which it was broadcast."""
    rank = len(whole)
    if len(first) == len(second) and first == second:
        return [], []
    padded = [[1] * (rank - len(s)) + list(s) for s in (first, second)]
    return tuple([i for i in range(rank) if shape[i] == 1] for shape in padded)


def repeated_axes(shape, whole):
    """Returns the axes to sum over. An axis with the same symbolic extent in both shapes is left out: even if it is 1, the sum changes nothing."""
    lead = len(whole) - len(shape)
    return [
        *range(lead),
        *[
            lead + i
            for i, (d, n) in enumerate(zip(shape, whole[lead:]))
            if is_one(d) or is_repeated(d, n)
        ],
    ]


class UnravelIndex(Op):
    """The index along each dimension of flat indices into a shape."""

    ranks = {"dims": (1,)}
    signature = "indices: Tidx, dims: Tidx -> output: Tidx"
    Tidx: INDEX = dtypes.int32

    def shape(self, indices, dims):
        rank = infer.vector_length(dims)
        if indices.rank == 0:
            return [rank]
        if indices.rank is None:
            return UNKNOWN
        return [rank, infer.size(indices.as_list())]

    def eager(self, indices, dims):
        if dims.ndim != 1:
            raise self.invalid(f"The dims parameter must be a vector. Received {show(dims.shape)}")
        if indices.ndim > 1:
            raise self.invalid(
                f"The indices can only be scalar or vector, got {show(indices.shape)}"
            )
        if not indices.size:
            raise self.invalid("received empty tensor indices")
        self._check_dims(dims.tolist())
        total = math.prod(dims.tolist()) if dims.size else 0
        if total > np.iinfo(self.Tidx.np).max:
            raise self.invalid(f"Input dims product is causing integer overflow: {dims.tolist()}")
        if np.any(indices >= total):
            raise self.invalid("index is out of bound as with dims")
        parts: list[np.ndarray] = []
        rest = np.fmod(indices.ravel(), total)  # negative indices are divided as C does
        for extent in dims[:0:-1]:
            part = np.fmod(rest, extent)
            parts.insert(0, part)
            rest = (rest - part) // extent
        out = np.array([rest, *parts], self.Tidx.np)
        return out[:, 0] if indices.ndim == 0 else out

    def _check_dims(self, dims):
        for index, extent in enumerate(dims):
            if extent == 0:
                raise self.invalid(
                    f"Input dims cannot contain a dim of zero, but dims contains zero at index {index}"
                )
            if extent < 0:
                raise self.invalid(
                    f"Input dims cannot be negative. Got dim = {extent} at index {index}"
                )

    def lower(self, p, indices, dims):
        extents = dims_of(p, dims, "dims")
        if not extents or indices.rank > 1 or not indices.size:
            raise NotLowerable("no dimensions or no indices")
        if any(extent < 1 for extent in extents):
            raise NotLowerable("a dimension that is refused")
        if product(extents) > np.iinfo(self.Tidx.np).max:
            raise NotLowerable("too many elements")
        total = p.scalar(product(extents), self.Tidx)
        inside = p.lt(indices, total)
        message = "UnravelIndex: index is out of bound as with dims"
        p.check(p.reduce_all(inside), message, [indices, dims])
        parts, rest = [], p.truncmod(indices, total)
        for extent in reversed(extents[1:]):
            parts.insert(0, p.truncmod(rest, p.scalar(extent, self.Tidx)))
            rest = p.truncdiv(rest, p.scalar(extent, self.Tidx))
        return p.stack([rest, *parts], 0)
