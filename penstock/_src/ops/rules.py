"""Base classes of op families, and helpers for gradients, kernels and lowerings.

A family member states its types, its NumPy function and its primitive in one line, and its gradient:

    class Exp(Unary):
        "e ** x, elementwise."

        T, ufunc, primitive = FLOAT | COMPLEX, np.exp, "exp"

        def gradient(self, _x, y, dy):
            return dy * conj(y)
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.memory import LARGE
from penstock._src.ir.errors import NeedsValue, NotLowerable
from penstock._src.ir.extents.dims import Extent, is_symbolic
from penstock._src.util import slots
from penstock._src.util.process.quiet import quiet


def show(shape: Sequence[int | None]) -> str:
    """Returns a shape in the format of TensorFlow's messages: [2,3]."""
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def check_elements(op: Op, *extents: Extent) -> None:
    """Refuses the shape of a result with more elements than an int64 counts.

    Raises:
      InvalidArgumentError: there are that many.
    """
    count = 1
    for extent in (n if is_symbolic(n) else int(n) for n in extents):
        if count * extent >= 2**63:
            raise op.invalid(
                f"Encountered overflow when multiplying {count} with {extent}, result: -1"
            )
        count *= extent


# -- helpers of gradients --------------------------------------------------------------------------


def conj(x: Any) -> Any:
    """Returns the complex conjugate of a complex tensor, and any other tensor itself."""
    return raw.Conj(input=x) if x.dtype.is_complex else x


_LARGEST = 2**31 - 1


def ints(values: Sequence[int]) -> np.ndarray:
    """Returns an int32 vector, which may be empty; an int64 vector if a value is larger."""
    wide = len(values) > 0 and max(values) > _LARGEST
    return np.array(values, dtype=np.int64 if wide else np.int32)


def index_vector(values: Sequence[int]) -> Any:
    """Returns the same as an argument of an op: outside of graphs a tensor, which is made once."""
    return slots.INTEGERS(*map(int, values)) if STATE.graph is None else ints(values)


def known_shape(x: Any) -> list[int] | None:
    """Returns the dimensions of a tensor if all are known."""
    extents = _eager_extents(x)
    if extents is not None:
        return list(extents)
    shape = x.shape
    return shape.as_list() if shape.is_fully_defined() else None


def _eager_extents(x: Any) -> tuple[int, ...] | None:
    """Returns the extents of an eager tensor that this process holds whole, else None."""
    return getattr(x, "_shape_tuple_value", None) if getattr(x, "holds_whole", False) else None


def static_value(x: Any) -> np.ndarray | None:
    """Returns the static value of a tensor, or None."""
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x)
    value = getattr(x, "_value", None) if getattr(x, "holds_whole", True) else None
    return slots.STATIC_VALUE(x) if value is None else value


def shape_of(x: Any) -> Any:
    """Returns the shape of a tensor as an int32 vector: an array if known, else a tensor."""
    shape = known_shape(x)
    return raw.Shape(input=x, out_type=dtypes.int32) if shape is None else ints(shape)


def part(vector: Any, start: Any, stop: Any) -> Any:
    """Returns the entries [start, stop) of a vector, an array or a tensor; the bounds may be scalar tensors."""
    known = isinstance(start, int) and isinstance(stop, int)
    if known and isinstance(vector, np.ndarray):
        return vector[start:stop]
    ends = [ints([end]) if isinstance(end, int) else reshape(end, [1]) for end in (start, stop)]
    return raw.StridedSlice(vector, *ends, ints([1]))


def span(start: Any, stop: Any) -> Any:
    """Returns the numbers [start, stop) as an int32 vector: an array of ints, else a tensor of scalar tensors."""
    if isinstance(start, int) and isinstance(stop, int):
        return ints(range(start, stop))
    return raw.Range(start=start, limit=stop, delta=np.int32(1))


def rank_of(x: Any) -> Any:
    """Returns the number of dimensions of a tensor: an int if known, else a scalar tensor."""
    return raw.Rank(input=x) if x.shape.rank is None else x.shape.rank


def joined(*vectors: Any) -> Any:
    """Returns concatenated int32 vectors, as an array if all are arrays."""
    vectors = tuple(v for v in vectors if not isinstance(v, np.ndarray) or v.size)
    if all(isinstance(v, np.ndarray) for v in vectors):
        return np.concatenate(vectors).astype(np.int32) if vectors else ints([])
    return vectors[0] if len(vectors) == 1 else raw.ConcatV2(list(vectors), np.int32(0))


def product_of(vector: Any) -> Any:
    """Returns the product of the entries of an int32 vector, as a vector of one entry."""
    if isinstance(vector, np.ndarray):
        return ints([int(np.prod(vector, dtype=np.int64))])
    return raw.Prod(vector, ints([0]), keep_dims=True)


def sum_over(x: Any, axes: Any, keep_dims: bool = False) -> Any:
    """Returns the sum of a tensor over some axes."""
    axes = index_vector(axes) if isinstance(axes, (list, tuple)) else axes
    return raw.Sum(x, axes, keep_dims=keep_dims)


def reshape(x: Any, shape: Any) -> Any:
    """Returns the tensor in another shape."""
    shape = index_vector(shape) if isinstance(shape, (list, tuple)) else shape
    return raw.Reshape(tensor=x, shape=shape)


def cast(x: Any, dtype: Any) -> Any:
    """Returns the tensor in another type."""
    return x if x.dtype == dtype else raw.Cast(x=x, DstT=dtype)


def zeros_like(x: Any) -> Any:
    """Returns zeros of the shape and type of `x`."""
    return raw.ZerosLike(x=x)


def where(condition: Any, x: Any, y: Any) -> Any:
    """Returns x where the condition holds and y elsewhere, broadcast."""
    return raw.SelectV2(condition=condition, t=x, e=y)


def has_shape_of(x: Any, y: Any) -> bool:
    """True if two tensors are known to have the same shape."""
    a, b = _eager_extents(x), _eager_extents(y)
    if a is not None and b is not None:
        return a == b
    dims = x.shape._dims
    return dims is not None and None not in dims and dims == y.shape._dims


def unbroadcast(gradient: Any, x: Any) -> Any:
    """Returns the gradient of `x` from that of `x` broadcast to the gradient's shape: its sum over
    the axes that were broadcast."""
    # `_eager_extents` of both, without its frames: nearly every gradient comes here.
    if getattr(x, "holds_whole", False) and getattr(gradient, "holds_whole", False):
        extents = getattr(x, "_shape_tuple_value", None)
        whole_extents = getattr(gradient, "_shape_tuple_value", None)
        if extents is not None and whole_extents is not None:
            if extents == whole_extents:
                return gradient
            axes = _broadcast_axes(extents, whole_extents)
            return _sum_to(gradient, axes, len(extents), len(whole_extents))
    if has_shape_of(gradient, x):
        return gradient
    to, of = x.shape, gradient.shape
    if to.rank is not None and of.rank is not None:
        axes = _broadcast_axes(to.as_list(), of.as_list())
        if axes is not None:
            return _sum_to(gradient, axes, to.rank, of.rank)
    target = raw.Shape(input=x, out_type=dtypes.int32)
    whole = raw.Shape(input=gradient, out_type=dtypes.int32)
    axes = raw.BroadcastGradientArgs(s0=target, s1=whole)[0]
    return reshape(sum_over(gradient, axes), target)


def _broadcast_axes(to: Sequence[Any], of: Sequence[Any]) -> list[int] | None:
    """Returns the axes of shape `of` along which shape `to` was broadcast, or None if unknown."""
    lead = len(of) - len(to)
    axes = list(range(lead))
    for axis, size in enumerate(to):
        whole = of[lead + axis]
        if size == 1:
            if whole != 1:
                axes.append(lead + axis)
        elif size is None and whole != 1:
            return None
    return axes


def _sum_to(gradient: Any, axes: list[int], to: int, of: int) -> Any:
    """Returns a gradient of rank `of` summed over axes; the leading ones, `of - to` of them, are dropped."""
    if not axes:
        return gradient
    if axes == list(range(of - to)):
        return sum_over(gradient, axes)
    total = sum_over(gradient, axes, keep_dims=True)
    if of == to:
        return total
    return raw.Squeeze(total, squeeze_dims=list(range(of - to)))


# -- helpers of eager kernels ----------------------------------------------------------------------


def broadcasts(op: Op, *arrays: np.ndarray) -> None:
    """Raises InvalidArgumentError with the shapes if these arrays do not broadcast."""
    try:
        np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        shapes = " vs. ".join(show(a.shape) for a in arrays)
        raise op.invalid(f"Incompatible shapes: {shapes}") from None


def of_one_shape(eager: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Adds a check that both inputs of a kernel have the same shape."""

    @functools.wraps(eager)
    def checked(self: Op, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if x.shape != y.shape:
            raise self.invalid(
                "Inputs must have the same size and shape. Input 0: "
                f"{show(x.shape)} != input 1: {show(y.shape)}"
            )
        return eager(self, x, y)

    return checked


def axis_of(op: Op, axis: Any, rank: int, what: str = "axis") -> int:
    """Returns an axis counted from the front, checked to be one of `rank`.

    Raises:
      InvalidArgumentError: it is out of range.
    """
    number = int(axis)
    if not -rank <= number < rank:
        raise op.invalid(f"Expected {what} in the range [{-rank}, {rank}), but got {number}")
    return number % rank if rank else 0


_ARITHMETIC = frozenset({np.add, np.subtract, np.multiply, np.divide})


def combined(function: Callable[..., Any], x: Any, y: Any) -> Any:
    """Returns function(x, y), large floats in memory that was used before: fresh pages cost more than the arithmetic."""
    is_large = x.nbytes >= LARGE or y.nbytes >= LARGE
    if not (is_large and function in _ARITHMETIC and x.dtype == y.dtype and x.dtype.kind == "f"):
        return function(x, y)
    return function(x, y, out=empty_aligned(np.broadcast_shapes(x.shape, y.shape), x.dtype))


def places_in_runs(counts: np.ndarray) -> np.ndarray:
    """The index of each element within its run, for consecutive runs of these lengths: 0, 1, 0, 1, 2 for lengths of 2 and 3."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def in_float32(array: np.ndarray) -> np.ndarray:
    """Returns 16-bit floats widened to float32, and other arrays unchanged."""
    return array.astype(np.float32) if array.dtype.itemsize == 2 and is_float(array) else array


def is_float(array: np.ndarray) -> bool:
    """True if the elements are real floating-point numbers, including those of ml_dtypes."""
    return array.dtype.kind == "f" or (array.dtype.kind == "V" and array.dtype.fields is None)


# -- helpers of lowerings --------------------------------------------------------------------------


def value_of(p: Any, node: Any, what: str) -> np.ndarray:
    """Returns the static value of a node while lowering.

    Raises:
      NeedsValue: it is only known at run time.
    """
    value = p.value(node)
    if value is None:
        raise NeedsValue(node, f"needs the value of {what} while compiling")
    return np.asarray(value)


def numbers_of(p: Any, node: Any, what: str) -> np.ndarray:
    """Returns the static integers in a node while lowering; objects, Dims among them, where they follow from dynamic sizes.

    Raises:
      NeedsValue: they are only known at run time.
    """
    numbers = p.numbers(node)
    if numbers is None:
        raise NeedsValue(node, f"needs the value of {what} while compiling")
    return np.asarray(numbers)


def number_of(p: Any, node: Any, what: str) -> Any:
    """Returns the integer in a scalar while lowering; a Dim where it follows from a dynamic size.

    Raises:
      NeedsValue: it is only known at run time.
    """
    if node.rank:
        raise NotLowerable(f"{what} is not a scalar")
    (number,) = dims_of(p, node, what)
    return number


def dims_of(p: Any, node: Any, what: str) -> list[int]:
    """Returns the entries of a shape vector while lowering, including dynamic sizes as Dims.

    Raises:
      NeedsValue: it is only known at run time.
    """
    if node.rank > 1:
        raise NotLowerable(f"{what} is not a vector")
    if not node.dtype.is_integer:
        raise NotLowerable(f"{what} is not of integers")
    dims = p.dims(node)
    if dims is None:
        raise NeedsValue(node, f"needs the value of {what} while compiling")
    return list(dims)


# -- families --------------------------------------------------------------------------------------


def maps_elements(operation: Any) -> bool:
    """True if an operation of a graph maps elements to elements.

    `==` does not if the shapes of its inputs may not broadcast: it then gives a single value.
    """
    op = operation.raw_op
    if getattr(op, "incompatible_shape_error", True):
        return op.elements.is_elementwise
    ranks = [t.shape.rank for t in operation._inputs]
    return None not in ranks and operation._outputs[0].shape.rank == max(ranks)


class HostUnary(Op):
    """An op that maps each element by a NumPy function, without a primitive."""

    signature = "x: T -> y: T[x]"
    is_abstract = True
    elements = Elements(is_elementwise=True)
    ufunc: ClassVar[Any]

    @quiet
    def eager(self, x):
        return self.ufunc(x)


class Unary(HostUnary):
    """An op that maps each element by a NumPy function, and by one primitive."""

    is_abstract = True
    primitive: ClassVar[str]

    def lower(self, p, x):
        return getattr(p, self.primitive)(x)


class Binary(Op):
    """An op that maps pairs of elements of two tensors that broadcast."""

    signature = "x: T, y: T -> z: T[x | y]"
    is_abstract = True
    elements = Elements(is_elementwise=True)
    ufunc: ClassVar[Any]
    primitive: ClassVar[str]

    @quiet
    def eager(self, x, y):
        try:
            return combined(self.ufunc, x, y)
        except ValueError:
            broadcasts(self, x, y)
            raise

    def lower(self, p, x, y):
        return getattr(p, self.primitive)(x, y)


class Compare(Binary):
    """An op that compares pairs of elements of two tensors that broadcast."""

    signature = "x: T, y: T -> z: bool"
    is_abstract = True
    differentiable = False
