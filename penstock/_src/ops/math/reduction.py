"""Reductions along axes."""

import functools
import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, Definition, HostKernel, Values
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, INDEX, INTEGER, NARROW, NUMBER, QUANTIZED
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.extremes import extremes_along
from penstock._src.ops.math.binary import truncated_quotient
from penstock._src.ops.rules import (
    axis_of,
    cast,
    conj,
    in_float32,
    index_vector,
    ints,
    known_shape,
    quiet,
    reshape,
    shape_of,
    show,
    static_value,
    value_of,
)
from penstock._src.ops.sums import add_up, sum_along

REAL_NUMBER = FLOAT | INTEGER | QUANTIZED


class _Reduction(Op):
    """A reduction along the axes in the second input, which must be distinct."""

    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    ranks = {"axis": (0, 1)}
    definition = Definition(input_names={"axis": "reduction_indices"})
    signature = "input: T, axis: Tidx -> output: T"
    T = NUMBER
    Tidx: INDEX = dtypes.int32
    keep_dims: bool = False
    # The value of elements that are left out; None for a mean, which counts.
    neutral = None
    vectorize = "rows, axis"

    def shape(self, input, axis):
        return infer.reduced(input, axis, self.keep_dims)

    @quiet
    def eager(self, input, axis):
        return self.reduce(input, self.axes_of(axis, input.ndim))

    def eager_given(self, constant, input, axis):
        return self.along(self.axes_of(axis, input.ndim), input.ndim) if constant[1] else None

    def along(self, axes, _rank):
        """Returns the function that reduces arrays of a rank along axes, as `reduce` does, or raises."""
        return functools.partial(self.reduce, axes=axes)

    def lower(self, p, input, axis):
        axes = self.axes_of(value_of(p, axis, "the axes"), len(input.shape))
        return getattr(p, self.primitive)(input, axes, keepdims=self.keep_dims)

    def axes_of(self, axis, rank):
        """Returns the axes counted from the front.

        Raises:
          InvalidArgumentError: an axis is out of range or repeated.
        """
        if not axis.ndim or axis.size == 1:  # the common case
            only = int(axis.item())
            if -rank <= only < rank:
                return (only % rank,)
        axes = []
        for a in axis.ravel().tolist():
            if not -rank <= a < rank:
                raise self.invalid(
                    f"Invalid reduction dimension ({a} for input with {rank} dimension(s)"
                )
            if a % rank in axes:
                raise self.invalid(
                    f"Invalid reduction arguments: Axes contains duplicate dimension: {a % rank}"
                )
            axes.append(a % rank)
        return tuple(axes)


def kept_shape(x, axes):
    """Returns the shape that reducing `x` along `axes` with keep_dims gives, as a vector."""
    static, known = known_shape(x), static_axes(axes, x.shape.rank)
    if static is not None and known is not None:
        return ints([1 if i in known else d for i, d in enumerate(static)])
    rank = raw.Maximum(raw.Rank(x), np.int32(1))
    places = raw.FloorMod(cast(axes, dtypes.int32), rank)
    # Scatter ones over the shape: for equal indices the later value wins.
    shape = raw.Shape(x)
    spots = reshape(places, [-1])
    return raw.TensorScatterUpdate(
        shape, raw.ExpandDims(spots, np.int32(1)), raw.Fill(raw.Shape(spots), np.int32(1))
    )


def static_axes(axes, rank):
    """Returns the axes counted from the front, or None if they are unknown."""
    value = static_value(axes)
    return None if value is None or rank is None else {a % rank for a in value.ravel().tolist()}


def spread(gradient, x, axes, keep_dims):
    """Returns the gradient of a reduction repeated along its axes to the shape of `x`."""
    # A broadcast adds axes in front by itself. Graphs have TensorFlow's nodes: the compiler drops the reshape.
    is_spared = STATE.graph is None and _are_leading(static_axes(axes, x.shape.rank))
    if not keep_dims and not is_spared:
        gradient = reshape(gradient, kept_shape(x, axes))
    extents = known_shape(x)
    return raw.BroadcastTo(gradient, shape_of(x) if extents is None else index_vector(extents))


def _are_leading(axes):
    return axes is not None and axes == set(range(len(axes)))


def keeping_dims(values, x, axes, keep_dims):
    """Returns the output of a reduction in the shape it has with keep_dims."""
    return values if keep_dims else reshape(values, kept_shape(x, axes))


class Sum(_Reduction):
    """The sum along axes; 0 for no elements."""

    primitive = "reduce_sum"
    neutral = 0

    def gradient(self, input, axis, _output, dy):
        return spread(dy, input, axis, self.keep_dims), None

    def reduce(self, x, axes):
        return add_up(in_float32(x), axes, self.keep_dims)

    def along(self, axes, rank):
        return (
            super().along(axes, rank) if self.T in NARROW else sum_along(axes, rank, self.keep_dims)
        )


class Mean(_Reduction):
    """The mean along axes; for integers truncated towards zero."""

    primitive = "reduce_mean"
    values = Values(in_float32=True)

    def gradient(self, input, axis, output, dy):
        # Narrow floats cannot represent every count.
        narrow = self.T in NARROW
        total = spread(cast(dy, dtypes.float32) if narrow else dy, input, axis, self.keep_dims)
        sizes = known_shape(input), known_shape(output)
        if None not in sizes:
            count = cast_count(math.prod(sizes[0]) // max(math.prod(sizes[1]), 1), total.dtype)
        else:
            count = raw.FloorDiv(raw.Size(input), raw.Maximum(raw.Size(output), np.int32(1)))
            count = cast(count, total.dtype)
        share = total / count
        return cast(share, self.T) if narrow else share, None

    def reduce(self, x, axes):
        count = math.prod([x.shape[a] for a in axes])
        if x.dtype.kind in "iu":
            wide = np.uint64 if x.dtype == np.uint64 else np.int64
            total = np.add.reduce(x, axes, dtype=wide, keepdims=self.keep_dims)
            return truncated_quotient(total, wide(max(count, 1))).astype(x.dtype)
        wide = in_float32(x)
        total = add_up(wide, axes, self.keep_dims)
        if count < 2 and wide.dtype.kind == "c":
            # In TensorFlow an empty mean is NaN for reals, 0 for complex numbers. A quotient by 1 would be NaN for infinite ones.
            return total
        return np.divide(total, wide.dtype.type(count))

    def along(self, axes, rank):
        if self.T not in (dtypes.float32, dtypes.float64):
            return super().along(axes, rank)
        total, kind = sum_along(axes, rank, self.keep_dims), self.T.np.type
        return lambda x: np.divide(total(x), kind(math.prod([x.shape[a] for a in axes])))

    def lower(self, p, input, axis):
        if self.T.is_integer and self.T.size < 8:
            return p.cast(super().lower(p, p.cast(input, dtypes.int64), axis), self.T)
        return super().lower(p, input, axis)


@functools.lru_cache(1024)
def cast_count(count, dtype):
    """Returns a number of elements as a scalar array of a type."""
    return np.array(max(count, 1)).astype(dtype.as_numpy_dtype)


class Prod(_Reduction):
    """The product along axes; 1 for no elements."""

    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    primitive = "reduce_prod"
    neutral = 1

    def gradient(self, input, axis, _output, dy):
        return product_gradient(input, axis, spread(dy, input, axis, self.keep_dims)), None

    def reduce(self, x, axes):
        wide = in_float32(x)
        return np.multiply.reduce(wide, axes, dtype=wide.dtype, keepdims=self.keep_dims)


def product_gradient(x, axes, gradient):
    """Returns gradient * (the product of all other elements of the same line), without dividing.

    The reduced axes are merged into one leading axis; the products of the elements before and after each element are two
    cumulative products.
    """
    rank = raw.Rank(x)
    every = raw.Range(np.int32(0), rank, np.int32(1))
    axes = reshape(cast(axes, dtypes.int32), [-1])
    axes = raw.FloorMod(axes, raw.Maximum(rank, np.int32(1)))
    rest = raw.ListDiff(every, axes)[0]
    order = raw.ConcatV2([axes, rest], np.int32(0))
    sizes = raw.Shape(x)
    reduced = raw.Prod(raw.GatherV2(sizes, axes, np.int32(0)), np.int32(0))
    others = raw.Prod(raw.GatherV2(sizes, rest, np.int32(0)), np.int32(0))
    permuted = raw.Transpose(x, order)
    lines = reshape(permuted, raw.Pack([reduced, others]))
    before = raw.Cumprod(lines, np.int32(0), exclusive=True)
    after = raw.Cumprod(lines, np.int32(0), exclusive=True, reverse=True)
    others_product = reshape(conj(before) * conj(after), raw.Shape(permuted))
    return gradient * raw.Transpose(others_product, raw.InvertPermutation(order))


class _ExtremeReduction(_Reduction):
    """The largest or least along axes; equal ones share the gradient."""

    T = REAL_NUMBER

    def gradient(self, input, axis, output, dy):
        kept = keeping_dims(output, input, axis, self.keep_dims)
        dy = keeping_dims(dy, input, axis, self.keep_dims)
        chosen = cast(raw.Equal(kept, input), dy.dtype)
        count = raw.Sum(chosen, axis, keep_dims=True)
        return chosen / count * dy, None

    def reduce(self, x, axes):
        wide = in_float32(x) if x.dtype.kind == "V" else x
        if wide.size:
            return extremes_along(wide, axes, self.ufunc, self.keep_dims)
        return self.ufunc.reduce(wide, axes, keepdims=self.keep_dims, initial=self.of_nothing(wide))

    def along(self, axes, rank):
        if self.T.np.kind not in "fiu":
            return super().along(axes, rank)
        if axes == (rank - 1,) and rank > 1:
            return functools.partial(
                extremes_along, axes=axes, ufunc=self.ufunc, keepdims=self.keep_dims
            )
        # Of no elements NumPy raises an error.
        return functools.partial(self.ufunc.reduce, axis=axes, keepdims=self.keep_dims)

    def of_nothing(self, x):
        """Returns the result for no elements."""
        if x.dtype.kind == "f":
            return x.dtype.type(-np.inf if self.ufunc is np.maximum else np.inf)
        limits = np.iinfo(x.dtype)
        return limits.min if self.ufunc is np.maximum else limits.max


class Max(_ExtremeReduction):
    """The largest along axes; nan if one is nan."""

    primitive, ufunc = "reduce_max", np.maximum

    @property
    def neutral(self):
        return self.T.min if self.T.is_integer else -np.inf


class Min(_ExtremeReduction):
    """The least along axes; nan if one is nan."""

    primitive, ufunc = "reduce_min", np.minimum

    @property
    def neutral(self):
        return self.T.max if self.T.is_integer else np.inf


class _LogicalReduction(_Reduction):
    """A reduction of booleans."""

    signature = "input: bool, axis: Tidx -> output: bool"

    def reduce(self, x, axes):
        return self.ufunc.reduce(x, axes, keepdims=self.keep_dims)

    def along(self, axes, rank):
        return functools.partial(self.ufunc.reduce, axis=axes, keepdims=self.keep_dims)


class All(_LogicalReduction):
    """Logical "and" along axes; true for no elements."""

    primitive, ufunc = "reduce_all", np.logical_and
    neutral = True


class Any(_LogicalReduction):
    """Logical "or" along axes; false for no elements."""

    primitive, ufunc = "reduce_any", np.logical_or
    neutral = False


class EuclideanNorm(_Reduction):
    """The square root of the sum of squares along axes."""

    values = Values(in_float32=True)
    neutral = 0

    def gradient(self, input, axis, output, dy):
        kept = keeping_dims(output, input, axis, self.keep_dims)
        dy = keeping_dims(dy, input, axis, self.keep_dims)
        return raw.Div(input, raw.Div(kept, dy)), None

    def reduce(self, x, axes):
        wide = in_float32(x)
        squares = np.multiply(np.conj(wide), wide)
        return np.sqrt(add_up(squares, axes, self.keep_dims))

    def lower(self, p, input, axis):
        if not self.T.is_floating:
            raise NotLowerable(f"the norm of {self.T.name}")
        axes = self.axes_of(value_of(p, axis, "the axes"), len(input.shape))
        return p.sqrt(p.reduce_sum(p.square(input), axes, keepdims=self.keep_dims))


# -- arg-reductions --------------------------------------------------------------------------------


class _ArgReduction(Op):
    """The index of the first maximum or minimum along one axis; NaN is ignored unless all elements are NaN."""

    signature = "input: T, dimension: Tidx -> output: output_type"
    host_kernel = HostKernel(opens="all")
    ranks = {"dimension": (0,)}
    T = REAL_NUMBER | {dtypes.bool_}
    Tidx: INDEX = dtypes.int32
    output_type: INDEX = dtypes.int64
    differentiable = False
    vectorize = "rows, axis"

    def shape(self, input, dimension):
        axis, rank = dimension.value, input.rank
        # As in TensorFlow, the axis of a vector is looked at when it runs.
        is_known = None not in (axis, rank) and not axis.ndim and rank > 1
        if is_known and not -rank <= int(axis) < rank:
            raise ValueError(
                f"Dimension ({int(axis)}) must be in the range [-{rank}, {rank}), where {rank} is the number of "
                "dimensions in the input."
            )
        return infer.without_axis(input, dimension)

    def eager(self, input, dimension):
        if dimension.ndim:
            raise self.invalid(
                f"dim must be a scalar, but received tensor of shape: {show(dimension.shape)}"
            )
        axis = int(dimension)
        if not -input.ndim <= axis < input.ndim:
            low = -input.ndim if input.ndim else 0
            raise self.invalid(
                f"Expected dimension in the range [{low}, {input.ndim}), but got {axis}"
            )
        axis = axis_of(self, axis, input.ndim)
        if not input.shape[axis]:
            raise self.invalid(f"Reduction axis {axis} is empty in shape {show(input.shape)}")
        return self.place(in_float32(input), axis)

    def place(self, x, axis):
        """Returns where the extremes along an axis are, which has elements."""
        if x.dtype.kind == "f":
            # NaN compares false. The maximum is NaN if an element is.
            most = np.maximum.reduce(x, None) if x.size else 0
            if most != most:
                x = np.where(np.isnan(x), x.dtype.type(self.loser), x)
        return np.asarray(self.find(x, axis))

    def eager_given(self, constant, input, dimension):
        if not constant[1] or self.T in NARROW:
            return None
        axis = axis_of(self, int(dimension), input.ndim)
        return functools.partial(self.place, axis=axis)

    def lower(self, p, input, dimension):
        axis = int(value_of(p, dimension, "the axis"))
        if not -len(input.shape) <= axis < len(input.shape) or not input.shape[axis]:
            raise NotLowerable("an axis out of range or empty")
        if self.T.is_floating:
            input = p.select(p.is_nan(input), self.loser, input)
        return getattr(p, self.primitive)(input, axis, self.output_type)


class ArgMax(_ArgReduction):
    """The index of the first maximum along an axis."""

    Tidx: INDEX | {dtypes.int16} = dtypes.int32
    output_type: INDEX | {dtypes.int16, dtypes.uint16} = dtypes.int64
    primitive, find, loser = "arg_max", staticmethod(np.ndarray.argmax), -np.inf


class ArgMin(_ArgReduction):
    """The index of the first minimum along an axis."""

    primitive, find, loser = "arg_min", staticmethod(np.ndarray.argmin), np.inf
