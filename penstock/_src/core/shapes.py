"""TensorShape: the static shape of a tensor; its rank or single dimensions may be unknown."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from penstock._src.util.export import export
from penstock._src.util.lazy import resolve
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above

# NumPy has no arrays of more dimensions, so neither have kernels on the host.
LARGEST_RANK = 64


def _comparison(function: Callable[[int, int], bool]) -> Any:
    """Returns the method of Dimension that compares two sizes; None if one is unknown."""
    return lambda self, other: self._with(other, function)


@export(v1=["Dimension", "compat.v1.Dimension"])
class Dimension:
    """One dimension of a TensorShape in v1 code: a number that may be unknown."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = dimension_value(value)

    value: int | None = read_only("_value", "The size, or None.")

    def __int__(self) -> Any:
        return self._value

    def __index__(self) -> Any:
        return self._value

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless the sizes are equal or one of them is unknown."""
        if self._with(other, int.__eq__) is False:
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def _with(self, other: Any, function: Callable[[int, int], Any]) -> Any:
        """The function of both sizes, or None if one is unknown."""
        size = dimension_value(other)
        return None if self._value is None or size is None else function(self._value, size)

    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)

    def __add__(self, other: Any) -> Any:
        if hasattr(other, "OVERLOADABLE_OPERATORS"):  # a tensor computes the result
            return NotImplemented
        return Dimension(self._with(other, operator.add))

    def __radd__(self, other: Any) -> "Dimension":
        return self + other

    def __sub__(self, other: Any) -> "Dimension":
        return Dimension(self._with(other, operator.sub))

    def __rsub__(self, other: Any) -> "Dimension":
        return Dimension(other) - self

    def __mul__(self, other: Any) -> Any:
        if hasattr(other, "OVERLOADABLE_OPERATORS"):  # a tensor computes the result
            return NotImplemented
        return Dimension(self._with(other, operator.mul))

    def __rmul__(self, other: Any) -> "Dimension":
        return self * other

    def __floordiv__(self, other: Any) -> "Dimension":
        return Dimension(self._with(other, operator.floordiv))

    def __rfloordiv__(self, other: Any) -> "Dimension":
        return Dimension(other) // self

    def __mod__(self, other: Any) -> "Dimension":
        return Dimension(self._with(other, operator.mod))

    def __rmod__(self, other: Any) -> "Dimension":
        return Dimension(other) % self

    def is_compatible_with(self, other: Any) -> bool:
        """True if both can be the same size."""
        return self._with(other, operator.eq) is not False

    def merge_with(self, other: Any) -> "Dimension":
        """Returns the known one of two compatible dimensions.

        Raises:
          ValueError: they differ.
        """
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {Dimension(other)} are not compatible")
        return Dimension(other) if self._value is None else self

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"Dimension({self._value!r})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)


def dimension_value(dimension: Any) -> int | None:
    """Returns a dimension as an int, or None if it is unknown.

    Raises:
      TypeError: it is not an integer.
      ValueError: it is negative.
    """
    if dimension is None:
        return None
    if type(dimension) is not int and not getattr(dimension, "is_unknown_extent", False):
        if isinstance(dimension, Dimension):
            return dimension._value
        try:
            dimension = dimension.__index__()
        except AttributeError:
            raise TypeError(
                f"Dimension value must be integer or None or have an __index__ method, got value "
                f"'{dimension!r}' with type '{type(dimension)!r}'"
            ) from None
    if dimension < 0:
        raise ValueError(f"Dimension {dimension} must be >= 0")
    return dimension


def _mismatch(text: str, in_graph: str) -> ValueError:
    """Return the error `text`. While graphs are built TensorFlow has another text, `in_graph`."""
    error = ValueError(text)
    error.in_graph = in_graph  # type: ignore[attr-defined]
    return error


def _differ(first: "TensorShape", second: "TensorShape") -> str:
    """Describe the difference of two shapes."""
    if first.rank != second.rank:
        return f"Shapes must be equal rank, but are {first.rank} and {second.rank}"
    one, other = first.as_list(), second.as_list()
    axis = next(
        axis for axis, pair in enumerate(zip(one, other)) if None not in pair and len({*pair}) > 1
    )
    texts = [
        "[" + ",".join("?" if n is None else str(n) for n in dims) + "]" for dims in (one, other)
    ]
    return (
        f"Dimension {axis} in both shapes must be equal, but are {one[axis]} and {other[axis]}. "
        f"Shapes are {texts[0]} and {texts[1]}"
    )


@export("TensorShape")
class TensorShape:
    """A shape of a tensor. The rank or any extent may be unknown.

    `TensorShape(None)` has an unknown rank, `TensorShape([None, 3])` rank 2 and one unknown
    extent. Indexing gives an integer or None, slicing a `TensorShape`.

    Args:
      dims: a list of extents, each an int or None; a `TensorShape`; or None.

    Raises:
      ValueError: an extent is negative.
      TypeError: an extent is not an integer.

    >>> shape = tf.TensorShape([None, 3])
    >>> shape.rank, shape[1], shape.is_fully_defined()
    (2, 3, False)
    >>> shape.merge_with([2, None])
    TensorShape([2, 3])
    """

    __slots__ = ("_dims",)

    # True if indexing gives ints and None, as in TensorFlow 2, instead of `Dimension`s.
    _v2_behavior = True

    def __init__(self, dims: Any) -> None:
        if isinstance(dims, TensorShape):
            self._dims: tuple[int | None, ...] | None = dims._dims
        elif dims is None:
            self._dims = None
        elif isinstance(dims, (tuple, list)):
            self._dims = tuple([dimension_value(d) for d in dims])
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):
            self._dims = (
                None
                if dims.unknown_rank
                else tuple(None if d.size < 0 else int(d.size) for d in dims.dim)
            )
        elif getattr(dims, "ndim", None) == 0:
            self._dims = (dimension_value(dims),)
        elif isinstance(dims, Iterable) and not isinstance(dims, str):
            self._dims = tuple(dimension_value(d) for d in dims)
        else:
            self._dims = (dimension_value(dims),)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> Any:
        """A list of the dimensions as `Dimension`s, or None if the rank is unknown."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    def as_list(self) -> list[int | None]:
        """Returns the extents.

        Returns:
          A list of integers and Nones.

        Raises:
          ValueError: the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self) -> Any:
        """Returns the message of this type.

        Returns:
          A protocol buffer.
        """
        return above("shape_to_proto")(self)

    experimental_as_proto = as_proto

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> "TensorShape":
        """Returns the type that a message describes.

        Args:
          proto: a message of the class that `experimental_type_proto` returns.

        Returns:
          A type.
        """
        return TensorShape(proto)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Returns the class of messages of this type.

        Returns:
          A class of protocol buffers.
        """
        return resolve("penstock._src.proto.tensor", "TensorShapeProto")

    def num_elements(self) -> int | None:
        """Returns the number of elements.

        Returns:
          An integer, or None if an extent is unknown.
        """
        if self._dims is None or None in self._dims:
            return None
        product = 1
        for d in self._dims:
            product *= d  # type: ignore[operator]
        return product

    def is_fully_defined(self) -> bool:
        """Returns True if every extent is known.

        Returns:
          A Python bool.
        """
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        """Raises an error unless every extent is known.

        Raises:
          ValueError: an extent is unknown.
        """
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def flatten(self) -> list[Any]:
        """Returns the types of the tensors that a value of this type consists of.

        Returns:
          A list of types.
        """
        return []

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of.

        Args:
          value: a value of this type.

        Returns:
          A list of tensors.
        """
        return []

    def from_tensors(self, tensors: Any) -> None:
        """Returns the value that tensors make up.

        Args:
          tensors: an iterator over tensors, of which this takes its own.

        Returns:
          A value of this type.
        """

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Returns a value as one of this type.

        Args:
          value: the value.
          cast_context: how values may be converted.

        Returns:
          A value of this type.

        Raises:
          TypeError: the value is of another type.
        """
        del cast_context
        if not isinstance(value, TensorShape) or value != self:
            raise TypeError(f"Can not cast {value} to {self}")
        return value

    def is_compatible_with(self, other: Any) -> bool:
        """Returns True if some shape could be both.

        Args:
          other: what converts to a `TensorShape`.

        Returns:
          A Python bool.
        """
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        return len(self._dims) == len(other._dims) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, other._dims)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises an error unless some shape could be both.

        Args:
          other: what converts to a `TensorShape`.

        Raises:
          ValueError: an extent or the rank differs.
        """
        if not self.is_compatible_with(other):
            message = f"Shapes {self} and {other} are incompatible"
            raise _mismatch(message, _differ(self, as_shape(other)))

    def assert_same_rank(self, other: Any) -> None:
        """Raises an error unless the ranks could be equal.

        Args:
          other: what converts to a `TensorShape`.

        Raises:
          ValueError: the ranks differ.
        """
        other = as_shape(other)
        if self.rank is not None and other.rank is not None and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int) -> None:
        """Raises an error unless the rank could be a number.

        Args:
          rank: an integer.

        Raises:
          ValueError: the rank is another.
        """
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def merge_with(self, other: Any) -> "TensorShape":
        """Returns the shape with the known extents of both.

        Args:
          other: what converts to a `TensorShape`.

        Returns:
          A `TensorShape`.

        Raises:
          ValueError: an extent or the rank differs.
        """
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise _mismatch(f"Shapes {self} and {other} are not compatible", _differ(self, other))
        return make_shape(tuple(b if a is None else a for a, b in zip(self._dims, other._dims)))

    def concatenate(self, other: Any) -> "TensorShape":
        """Returns the extents of this shape and then those of another.

        Args:
          other: what converts to a `TensorShape`.

        Returns:
          A `TensorShape`; of unknown rank if one of them is.
        """
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return UNKNOWN
        return make_shape(self._dims + other._dims)

    def with_rank(self, rank: int | None) -> "TensorShape":
        """Returns this shape with a known rank.

        Args:
          rank: an integer, or None for any.

        Returns:
          A `TensorShape`.

        Raises:
          ValueError: the rank is another.
        """
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            said = f"Shape must be rank {rank} but is rank {self.rank}"
            raise _mismatch(f"Shape {self} must have rank {rank}", said) from None

    def with_rank_at_least(self, rank: int) -> "TensorShape":
        """Returns this shape, unless its rank is too low.

        Args:
          rank: an integer.

        Returns:
          A `TensorShape`.

        Raises:
          ValueError: the rank is lower.
        """
        if self.rank is not None and self.rank < rank:
            said = f"Shape must be at least rank {rank} but is rank {self.rank}"
            raise _mismatch(f"Shape {self} must have rank at least {rank}", said)
        return self

    def with_rank_at_most(self, rank: int) -> "TensorShape":
        """Returns this shape, unless its rank is too high.

        Args:
          rank: an integer.

        Returns:
          A `TensorShape`.

        Raises:
          ValueError: the rank is higher.
        """
        if self.rank is not None and self.rank > rank:
            said = f"Shape must be at most rank {rank} but is rank {self.rank}"
            raise _mismatch(f"Shape {self} must have rank at most {rank}", said)
        return self

    def most_specific_compatible_shape(self, other: Any) -> "TensorShape":
        """Returns the shape with those extents that are equal in both.

        Args:
          other: what converts to a `TensorShape`.

        Returns:
          A `TensorShape`; of unknown rank if the ranks differ.
        """
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return UNKNOWN
        return make_shape(tuple(a if a == b else None for a, b in zip(self._dims, other._dims)))

    def is_subtype_of(self, other: Any) -> bool:
        """Returns True if every value of this type is of another type.

        Args:
          other: a type.

        Returns:
          A Python bool.
        """
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(b is None or a == b for a, b in zip(self._dims, other._dims))

    def most_specific_common_supertype(self, others: Sequence[Any]) -> "TensorShape | None":
        """Returns the narrowest type that this one and others are subtypes of.

        Args:
          others: a list of types.

        Returns:
          A type, or None if there is none.
        """
        shape = self
        for other in others:
            if not isinstance(other, TensorShape):
                return None
            shape = shape.most_specific_compatible_shape(other)
        return shape

    def placeholder_value(self, placeholder_context: Any) -> "TensorShape":
        """Returns what stands for a value of this type while a function is traced.

        Args:
          placeholder_context: where it is made.

        Returns:
          A value of this type.
        """
        return self

    def __bool__(self) -> bool:
        return self._dims is not None

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __iter__(self) -> Iterator[int | None]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is not None:
            dims = self._dims[key]
            return make_shape(dims) if isinstance(key, slice) else dims
        if not isinstance(key, slice):
            return None
        start, stop = key.start or 0, key.stop
        if key.step is not None:
            raise ValueError("Steps are not yet handled")
        if stop is None or start < 0 or stop < 0:
            return UNKNOWN
        return unknown_shape(max(0, stop - start))

    def __add__(self, other: Any) -> "TensorShape":
        return self.concatenate(other)

    def __radd__(self, other: Any) -> "TensorShape":
        return as_shape(other).concatenate(self)

    def __eq__(self, other: Any) -> bool:
        try:
            other = as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented
        return self._dims == other._dims

    def __hash__(self) -> int:
        return hash(self._dims)

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        if len(self._dims) == 1:
            return f"({self._dims[0]},)"
        return "(" + ", ".join(str(d) for d in self._dims) + ")"

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        return f"TensorShape({[None if d is None else int(d) for d in self._dims]})"

    def __reduce__(self) -> Any:
        return TensorShape, (None if self._dims is None else list(self._dims),)

    def __deepcopy__(self, memo: Any) -> "TensorShape":
        return self


def make_shape(dims: tuple[int | None, ...] | None) -> TensorShape:
    """Returns the shape for dimensions that are known to be ints and Nones, without checks; None for an unknown rank."""
    shape = TensorShape.__new__(TensorShape)
    shape._dims = dims
    return shape


UNKNOWN = TensorShape(None)
SCALAR = make_shape(())


def as_shape(shape: Any) -> TensorShape:
    """Returns `shape` as a TensorShape."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """Returns a shape with unknown dimensions, or of unknown rank."""
    return UNKNOWN if rank is None else make_shape((None,) * rank)


def broadcast_shapes(first: TensorShape, second: TensorShape) -> TensorShape:
    """Returns the broadcast of two static shapes by NumPy's rule.

    Raises:
      ValueError: they do not broadcast.
    """
    if first._dims is None or second._dims is None:
        return UNKNOWN
    rank = max(len(first._dims), len(second._dims))
    a = (1,) * (rank - len(first._dims)) + first._dims
    b = (1,) * (rank - len(second._dims)) + second._dims
    return make_shape(tuple(_broadcast_dimension(x, y, first, second) for x, y in zip(a, b)))


def _broadcast_dimension(
    x: int | None, y: int | None, first: TensorShape, second: TensorShape
) -> int | None:
    if y.__class__ is int and y == 1:  # 1 broadcasts to any size, known or not
        return x
    if x.__class__ is int and x == 1:
        return y
    if x == y:  # before unknown extents are compared to 1: such an answer is a condition
        return x
    if x == 1:
        return y
    if y == 1:
        return x
    if x is None:
        return y if y is not None and y > 1 else None
    if y is None:
        return x if x > 1 else None
    text = f"Incompatible shapes for broadcasting: {first} and {second}"
    raise _mismatch(text, f"Dimensions must be equal, but are {x} and {y}")


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x: TensorShape, shape_y: TensorShape) -> TensorShape:
    """Returns the shape to which tensors of two static shapes broadcast.

    `tf.broadcast_dynamic_shape` does the same for shapes that only the run knows.

    Args:
      shape_x: a `TensorShape`.
      shape_y: a `TensorShape`.

    Returns:
      A `TensorShape`.

    Raises:
      ValueError: they do not broadcast.

    >>> tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([1, 3]))
    TensorShape([2, 3])
    """
    return broadcast_shapes(as_shape(shape_x), as_shape(shape_y))
