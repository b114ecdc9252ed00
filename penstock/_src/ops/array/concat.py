"""Concatenation, stacking and splitting."""

import itertools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Definition, Elements, HostKernel, Slices, Values
from penstock._src.core.composite import IndexedSlices, dense
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.core.values.arrays import concatenated
from penstock._src.core.values.memory import make_room
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.array.slice import contiguous
from penstock._src.ops.indexed_slices import split_slices
from penstock._src.ops.rules import dims_of, ints, known_shape, show, static_value, value_of


def joined_shape(values, axis):
    """Returns the shape of tensors joined along an axis."""
    rank = next((v.rank for v in values if v.rank is not None), None)
    if rank is None:
        return UNKNOWN
    for v in values:
        v.with_rank(rank)
    if rank == 0:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    if axis.value is None:
        return unknown_shape(rank)
    at = int(np.ravel(axis.value)[0])
    values[0].with_rank_at_least(at + 1 if at >= 0 else -at)
    at %= rank
    total: int | None = 0
    dims = unknown_shape(rank - 1)
    for v in values:
        known = v.as_list() if v.rank is not None else [None] * rank
        total = infer.add(total, known[at])
        del known[at]
        dims = dims.merge_with(TensorShape(known))
    result = dims.as_list()
    result.insert(at, total)
    return result


def join(op, values, axis):
    """Returns arrays joined along an axis.

    Raises:
      InvalidArgumentError: their shapes do not fit.
    """
    if axis.size != 1:
        raise op.invalid(f"Concat dim tensor should be a scalar, but got shape {show(axis.shape)}")
    make_room(sum([value.nbytes for value in values]))
    at = axis.item()
    if not -values[0].ndim <= at < values[0].ndim:  # NumPy takes the lowest integer for no axis
        raise misfit(op, values, at)
    try:
        return concatenated(values, at)
    except ValueError as error:
        raise misfit(op, values, at) or error from None


def misfit(op, values, axis):
    """Returns the error if arrays cannot be concatenated, else None."""
    first = values[0]
    if first.ndim == 0:
        return op.invalid("ConcatOp : Can't concatenate scalars (use tf.stack instead)")
    if not -first.ndim <= axis < first.ndim:
        return op.invalid(
            "ConcatOp : Expected concatenating dimensions in the range "
            f"[{-first.ndim}, {first.ndim}), but got {axis}"
        )
    for i, value in enumerate(values):
        pair = f"shape[0] = {show(first.shape)} vs. shape[{i}] = {show(value.shape)}"
        if value.ndim != first.ndim:
            return op.invalid(f"ConcatOp : Ranks of all input tensors should match: {pair}")
        for d, (a, b) in enumerate(zip(first.shape, value.shape)):
            if d != axis % first.ndim and a != b:
                return op.invalid(f"ConcatOp : Dimension {d} in both shapes must be equal: {pair}")
    return None


def lower_join(p, values, axis):
    """Lowers the joining of nodes along a known axis."""
    at = int(value_of(p, axis, "the axis").reshape(()))
    rank = len(values[0].shape)
    if not rank or not -rank <= at < rank or any(len(v.shape) != rank for v in values):
        raise NotLowerable("operands that do not fit together")
    at %= rank
    for v in values[1:]:
        if any(i != at and a != b for i, (a, b) in enumerate(zip(values[0].shape, v.shape))):
            raise NotLowerable("operands that do not fit together")
    return p.concat(list(values), at)


def parts_along(dy, values, axis):
    """Returns the gradient of each of the joined tensors."""
    known = static_value(axis)
    if isinstance(dy, IndexedSlices):
        rank = values[0].shape.rank
        at = None if known is None else int(np.ravel(known)[0])
        if len(values) == 1:
            return [dy]
        if at is not None and (at >= 0 or rank is not None):
            return split_slices(dy, at if at >= 0 else at % rank, values)
        dy = dense(dy)
    shapes = [known_shape(v) for v in values]
    if known is not None and None not in shapes and values[0].shape.rank:
        at = int(np.ravel(known)[0]) % values[0].shape.rank
        sizes = ints([s[at] for s in shapes])
    else:
        at = raw.FloorMod(raw.Cast(axis, DstT=dtypes.int32), raw.Rank(values[0]))
        sizes = raw.Pack([raw.GatherV2(raw.Shape(v), at, np.int32(0)) for v in values])
    return raw.SplitV(dy, sizes, np.int32(at) if isinstance(at, int) else at, num_split=len(values))


class ConcatV2(Op):
    """Tensors joined along an axis."""

    signature = "values: N * T, axis: Tidx -> output: T"
    ranks = {"axis": (0,)}
    minimum = {"N": 1}
    T = ANY
    Tidx: INDEX = dtypes.int32
    slices = Slices(accepted=True)
    vectorize = "rows, axis"
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    def shape(self, values, axis):
        return joined_shape(values, axis)

    def gradient(self, values, axis, _output, dy):
        return parts_along(dy, values, axis), None

    def eager(self, values, axis):
        return join(self, values, axis)

    def eager_given(self, constant, _values, axis):
        if not constant[1] or any(constant[0]):
            return None
        at = axis.item()

        def joined(*arrays):
            make_room(sum([array.nbytes for array in arrays]))
            return concatenated(arrays, at)

        return joined

    def lower(self, p, values, axis):
        return lower_join(p, values, axis)


class Concat(Op):
    """Tensors joined along an axis; the older form of ConcatV2."""

    signature = "concat_dim: int32, values: N * T -> output: T"
    ranks = {"concat_dim": (0,)}
    minimum = {"N": 1}
    T = ANY
    slices = Slices(accepted=True)
    values = Values(keeps_finite=True, has_static_value=True)

    def shape(self, concat_dim, values):
        return joined_shape(values, concat_dim)

    def gradient(self, concat_dim, values, _output, dy):
        return None, parts_along(dy, values, concat_dim)

    def eager(self, concat_dim, values):
        return join(self, values, concat_dim)

    def lower(self, p, concat_dim, values):
        return lower_join(p, values, concat_dim)


class ConcatOffset(Op):
    """The offset of each of several shapes in their concatenation."""

    signature = "concat_dim: int32, shape: N * shape_type -> offset: N * shape_type[shape]"
    minimum = {"N": 2}
    shape_type: INDEX = dtypes.int32
    differentiable = False

    def eager(self, concat_dim, shape):
        for i, dims in enumerate(shape):
            if dims.ndim != 1:
                raise self.invalid(
                    f"input {i} should be a vector, but got shape {show(dims.shape)}"
                )
        first, at = shape[0], int(concat_dim)
        if not -first.size <= at < first.size:
            raise self.invalid(f"Concat dim is out of range: {at} vs. {first.size}")
        at %= first.size
        offsets, total = [], 0
        for i, dims in enumerate(shape):
            if dims.size != first.size:
                raise self.invalid(
                    f"input {i} should contain {first.size} elements, but got {dims.size}"
                )
            for d in range(first.size):
                if d != at and dims[d] != first[d]:
                    raise self.invalid(
                        f"All dimensions except {at} must match. Input {i} has shape "
                        f"[{' '.join(map(str, dims))}] and doesn't match input 0 with shape "
                        f"[{' '.join(map(str, first))}]."
                    )
            offset = np.zeros_like(first)
            offset[at] = total
            total += int(dims[at])
            offsets.append(offset)
        return offsets

    def lower(self, p, concat_dim, shape):
        known = [p.dims(s) for s in shape]
        if any(k is None for k in known):
            raise NotLowerable("shapes that are not known while compiling")
        at = int(value_of(p, concat_dim, "the axis"))
        if any(len(k) != len(known[0]) for k in known) or not -len(known[0]) <= at < len(known[0]):
            raise NotLowerable("invalid shapes")
        at %= len(known[0])
        if any(k[:at] + k[at + 1 :] != known[0][:at] + known[0][at + 1 :] for k in known):
            raise NotLowerable("invalid shapes")
        offsets, total = [], 0
        for extents in known:
            offsets.append([total if axis == at else 0 for axis in range(len(extents))])
            total = total + extents[at]
        return [p.shape_value(offset, s.dtype) for offset, s in zip(offsets, shape, strict=True)]


class ParallelConcat(Op):
    """Tensors with a first dimension of 1, joined along it."""

    signature = "values: N * T -> output: T[*shape]"
    minimum = {"N": 1}
    T = ANY
    shape: TensorShape

    def eager(self, values):
        self._check(values)
        return join(self, values, np.int32(0))

    def lower(self, p, values):
        self._check(values)
        return p.concat(list(values), 0)

    def _check(self, values):
        wanted = self.attrs["shape"].as_list()
        if wanted[:1] != [len(values)]:
            raise self.invalid(f"0th dimension of value = {wanted[:1]} must be {len(values)}")
        for value in values:
            if [*value.shape[:1]] != [1] or [*value.shape[1:]] != wanted[1:]:
                raise self.invalid(
                    f"value and update shape doesn't match: {wanted} vs. {show(value.shape)}"
                )


# -- stacks ----------------------------------------------------------------------------------------


def handle_array(value):
    """A host value as an array; the handle of a resource or variant gives a rank-0 array."""
    if isinstance(value, np.ndarray):
        return value
    array = np.empty((), object)
    array[()] = value
    return array


class Pack(Op):
    """Tensors of one shape stacked along a new axis."""

    signature = "values: N * T -> output: T"
    minimum = {"N": 1}
    T = ANY
    axis: int = 0
    vectorize = "rows"
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    def shape(self, values):
        one = values[0]
        for i, value in enumerate(values[1:]):
            try:
                one = one.merge_with(value)
            except ValueError as error:
                reason = getattr(error, "in_graph", str(error))
                where = f"\n\tFrom merging shape {i} with other shapes."
                raise ValueError(reason + where) from None
        if one.rank is None:
            return UNKNOWN
        at = infer.axis_in(self.axis, one.rank + 1)
        dims = one.as_list()
        return dims[:at] + [len(values)] + dims[at:]

    def gradient(self, _values, _output, dy):
        return raw.Unpack(dy, num=self.N, axis=self.axis)

    def eager(self, values):
        values = [handle_array(v) for v in values]
        first = values[0]
        for i, value in enumerate(values):
            if value.shape != first.shape:
                raise self.invalid(
                    f"Shapes of all inputs must match: values[0].shape = {show(first.shape)} != "
                    f"values[{i}].shape = {show(value.shape)}"
                )
        rank = first.ndim + 1
        if not -rank <= self.axis < rank:
            raise self.invalid(f"axis = {self.axis} not in [{-rank}, {rank})")
        at = self.axis % rank
        return concatenated([np.expand_dims(value, at) for value in values], at)

    def eager_given(self, constant, values):
        if any(constant[0]) or not all(type(value) is np.ndarray for value in values):
            return None
        at = self.axis % (values[0].ndim + 1)
        place = (*(slice(None),) * at, None)

        def stacked(*arrays):
            first = arrays[0].shape
            if any([array.shape != first for array in arrays]):
                raise ValueError
            return concatenated([array[place] for array in arrays], at)

        return stacked

    def lower(self, p, values):
        rank = len(values[0].shape) + 1
        if any(v.shape != values[0].shape for v in values) or not -rank <= self.axis < rank:
            raise NotLowerable("operands that do not fit together")
        at = self.axis % rank
        return p.concat([p.expand_dims(v, at) for v in values], at)


class Unpack(Op):
    """The slices of a tensor along an axis, which is removed."""

    signature = "value: T -> output: num * T"
    minimum = {"num": 0}
    host_kernel = HostKernel(is_view=True)
    T = ANY
    num: int
    axis: int = 0
    vectorize = "rows"
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    def shape(self, value):
        if value.rank is None:
            return [None] * self.num
        at = infer.axis_in(self.axis, value.rank)
        if value[at] not in (None, self.num):
            raise ValueError(f"Dimension must be {self.num} but is {value[at]}")
        dims = value.as_list()
        return [dims[:at] + dims[at + 1 :]] * self.num

    def gradient(self, _value, _output, dys):
        return raw.Pack(dys, axis=self.axis)

    def eager(self, value):
        rank = value.ndim
        if not -rank <= self.axis < rank:
            raise self.invalid(f"axis = {self.axis} not in [{-rank}, {rank})")
        if value.shape[self.axis] != self.num:
            raise self.invalid(
                f"Input shape axis {self.axis} must equal {self.num}, got shape {show(value.shape)}"
            )
        if rank == 1 and self.T in (dtypes.resource, dtypes.variant):
            return list(value)  # handles
        if rank == 1:
            return [value[i, ...] for i in range(self.num)]
        at = self.axis % rank
        # One copy at most: the parts are views of it.
        order = (at, *range(at), *range(at + 1, rank))
        return list(contiguous(value.transpose(order) if at else value))

    def lower(self, p, value):
        rank = len(value.shape)
        if not -rank <= self.axis < rank or value.shape[self.axis] != self.num:
            raise NotLowerable("an axis of another size")
        return [p.take_index(value, self.axis % rank, i) for i in range(self.num)]


# -- splits ----------------------------------------------------------------------------------------


class Split(Op):
    """Equal parts along an axis."""

    signature = "axis: int32, value: T -> output: num_split * T"
    definition = Definition(input_names={"axis": "split_dim"})
    minimum = {"num_split": 1}
    host_kernel = HostKernel(is_view=True)
    slices = Slices(accepted=True)
    T = ANY
    num_split: int
    vectorize = "axis, rows"
    values = Values(has_static_value=True)

    def shape(self, axis, value):
        if value.rank is None or axis.value is None:
            return [unknown_shape(value.rank)] * self.num_split
        at = infer.split_axis_in(int(axis.value), value.rank)
        dims = value.as_list()
        if dims[at] is not None:
            if dims[at] % self.num_split:
                raise ValueError(
                    f"Dimension size must be evenly divisible by {self.num_split} but is {dims[at]}"
                    "\n\tNumber of ways to split should evenly divide the split dimension"
                )
            dims[at] //= self.num_split
        return [dims] * self.num_split

    def gradient(self, axis, _value, _output, dys):
        return None, joined_again(dys, axis)

    def eager(self, axis, value):
        if axis.ndim:
            raise self.invalid(f"split_dim must be a scalar but has rank {axis.ndim}")
        at = split_axis(self, axis, value)
        size = value.shape[at]
        if size % self.num_split:
            raise self.invalid(
                "Number of ways to split should evenly divide the split dimension, but got "
                f"split_dim {at} (size = {size}) and num_split {self.num_split}"
            )
        return _parts(value, [size // self.num_split] * self.num_split, at)

    def lower(self, p, axis, value):
        if axis.rank:
            raise NotLowerable("an axis that is not a scalar")
        at = int(value_of(p, axis, "the axis"))
        if not -len(value.shape) <= at < len(value.shape) or value.shape[at] % self.num_split:
            raise NotLowerable("an axis that does not divide into the parts")
        at %= len(value.shape)
        size = value.shape[at] // self.num_split
        return p.split(value, [size] * self.num_split, at)


def _parts(value, sizes, axis):
    """Returns the parts of an array along an axis, which have these sizes."""
    before = (slice(None),) * axis
    ends = itertools.accumulate(sizes)
    pieces = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    return [contiguous(value[(*before, piece)]) for piece in pieces]


def split_axis(op, axis, value):
    """Returns the axis to split along, counted from the front, checked."""
    if axis.size != 1:
        raise op.invalid(f"split_dim must be a scalar but has shape {show(axis.shape)}")
    at, rank = axis.item(), value.ndim
    if not -rank <= at < rank:
        raise op.invalid(f"-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {at}")
    return at % rank


def joined_again(dys, axis):
    """Returns the gradient of a split tensor, given those of its parts."""
    return dys[0] if len(dys) == 1 else raw.ConcatV2(dys, axis)


class SplitV(Op):
    """Parts of given sizes along an axis; one size may be -1."""

    signature = "value: T, size_splits: Tlen, axis: int32 -> output: num_split * T"
    definition = Definition(input_names={"axis": "split_dim"})
    minimum = {"num_split": 1}
    host_kernel = HostKernel(is_view=True)
    slices = Slices(accepted=True)
    T = ANY
    Tlen: INDEX | {dtypes.int8} = dtypes.int64
    num_split: int
    vectorize = "rows, shared, axis"

    def shape(self, value, size_splits, axis):
        if value.rank is None or axis.value is None:
            return [unknown_shape(value.rank)] * self.num_split
        at, dims = infer.split_axis_in(int(axis.value), value.rank), value.as_list()
        sizes = infer.value_or_none(size_splits)
        if sizes is None:
            sizes = [dims[at] if self.num_split == 1 else None] * self.num_split
        elif len(sizes) != self.num_split:
            raise ValueError("Length of size_splits should be equal to num_outputs")
        elif -1 in sizes:
            whole = dims[at]
            if sizes.count(-1) > 1:
                raise ValueError("size_splits can only have one -1")
            rest = None if whole is None else whole - sum(s for s in sizes if s != -1)
            sizes = [rest if s == -1 else s for s in sizes]
        elif dims[at] not in (None, sum(sizes)):
            raise ValueError(
                f"can't split axis of size {dims[at]} into pieces of size {show(sizes)}"
            )
        for i, size in enumerate(sizes):
            if size is not None and size < 0:
                raise ValueError(f"Split size at index {i} must be >= 0. Got: {size}")
        return [dims[:at] + [s] + dims[at + 1 :] for s in sizes]

    def gradient(self, _value, _size_splits, axis, _output, dys):
        return joined_again(dys, axis), None, None

    def eager(self, value, size_splits, axis):
        if size_splits.ndim != 1 or size_splits.size != self.num_split:
            raise self.invalid(
                "size of the split_tensor must be 1-D and have the same elements as outputs got "
                f"{size_splits.ndim} -D and {size_splits.size} elements"
            )
        at = split_axis(self, axis, value)
        return _parts(value, self.sizes(size_splits.tolist(), value.shape[at]), at)

    def sizes(self, sizes, whole):
        """Returns the sizes with -1 resolved.

        Raises:
          InvalidArgumentError: they do not add up.
        """
        if sizes.count(-1) > 1:
            raise self.invalid("There can only be one -1 in the input.")
        for i, s in enumerate(sizes):
            if s < -1:
                raise self.invalid(f"Split size at index {i} must be >= 0. Got: {s}")
        total = sum(s for s in sizes if s != -1)
        if total > whole or (-1 not in sizes and total != whole):
            raise self.invalid(
                "Determined shape must either match input shape along split_dim exactly if fully "
                "specified, or be less than the size of the input along split_dim if not fully "
                f"specified.  Got: {total}"
            )
        return [whole - total if s == -1 else s for s in sizes]

    def lower(self, p, value, size_splits, axis):
        if size_splits.shape != (self.num_split,):
            raise NotLowerable("sizes that are not a vector with one size for each part")
        at = int(value_of(p, axis, "the axis").reshape(()))
        if not -len(value.shape) <= at < len(value.shape):
            raise NotLowerable("an axis out of range")
        at %= len(value.shape)
        sizes = dims_of(p, size_splits, "the sizes")
        if sizes == [-1]:
            return [value]
        whole = value.shape[at]
        total = sum(s for s in sizes if s != -1)
        if sizes.count(-1) > 1 or total > whole or (-1 not in sizes and total != whole):
            raise NotLowerable("sizes that do not add up")
        rest = whole - total
        return p.split(value, [rest if s == -1 else s for s in sizes], at)
