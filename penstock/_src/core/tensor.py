"""class Tensor, the base of eager and symbolic tensors.

Operators and slicing are filled in by `api/operators.py`, which knows the ops.
"""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from penstock._src.core.dispatch import in_v1_graph
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

# Ids of eager tensors: there are as many as were ever made.
NEXT_ID = itertools.count(1).__next__
# Moments at which operations, symbolic tensors and marks of the debugger were made. A symbolic tensor's id is its moment below 0.
NEXT_MOMENT = itertools.count(1).__next__


@export("__internal__.types.Tensor", v1=[])
class AnyTensor:
    """Base of tensors, variables and tensor-like objects."""

    __slots__ = ()


@export("Tensor", "experimental.numpy.ndarray", v1=["Tensor"])
class Tensor(AnyTensor):
    """An array of elements of one dtype.

    Eager tensors have a value, `tensor.numpy()`; symbolic ones stand for what a graph will
    compute. Tensors never change. Operators such as `+`, `@`, `==` and indexing are functions of
    this package.

    >>> x = tf.constant([[1, 2], [3, 4]])
    >>> x.shape, x.dtype
    (TensorShape([2, 2]), tf.int32)
    >>> (x[:, 0] + 1).numpy()
    array([2, 4], dtype=int32)
    """

    __slots__ = ("_id", "__weakref__", "__dict__")

    # True if == compares elements; False if it compares objects, as in TensorFlow 1.
    _USE_EQUALITY = True

    # NumPy then defers binary operators with a tensor to the tensor.
    __array_priority__ = 100

    OVERLOADABLE_OPERATORS = frozenset(
        "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __div__ __rdiv__ __truediv__ "
        "__rtruediv__ __floordiv__ __rfloordiv__ __mod__ __rmod__ __lt__ __le__ __gt__ __ge__ "
        "__ne__ __eq__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __getitem__ __pow__ "
        "__rpow__ __invert__ __neg__ __abs__ __matmul__ __rmatmul__".split()
    )

    if TYPE_CHECKING:  # operators that `api/operators.py` adds at import

        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __floordiv__(self, other: Any) -> "Tensor": ...
        def __mod__(self, other: Any) -> "Tensor": ...
        def __lt__(self, other: Any) -> "Tensor": ...
        def __le__(self, other: Any) -> "Tensor": ...
        def __gt__(self, other: Any) -> "Tensor": ...
        def __ge__(self, other: Any) -> "Tensor": ...
        def __and__(self, other: Any) -> "Tensor": ...
        def __or__(self, other: Any) -> "Tensor": ...
        def __getitem__(self, key: Any) -> "Tensor": ...
        def __neg__(self) -> "Tensor": ...
        def __abs__(self) -> "Tensor": ...
        def __invert__(self) -> "Tensor": ...
        def __int__(self) -> int: ...
        def __bool__(self) -> bool: ...
        def __len__(self) -> int: ...
        def __iter__(self) -> Iterator["Tensor"]: ...

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        raise NotImplementedError

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        raise NotImplementedError

    def get_shape(self) -> TensorShape:
        """Returns the static shape.

        Returns:
          A `TensorShape`.
        """
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Merges a shape into the static shape.

        Args:
          shape: a shape, in which None stands for any extent. It is not checked when the graph
            runs.

        Raises:
          ValueError: the two are not compatible.
        """
        if not self.shape.is_compatible_with(shape):
            raise ValueError(
                f"Tensor's shape {self.shape} is not compatible with supplied shape {shape}."
            )

    ndim: int | None = read_only("shape.ndims", "The number of dimensions.")

    @property
    def name(self) -> str:
        """The name of the tensor in its graph."""
        raise NotImplementedError

    def ref(self) -> "Reference":
        """Returns a reference that can be the key of a dictionary.

        Returns:
          An object that is equal to references to the same tensor; `deref()` returns the tensor.
        """
        return Reference(self)

    def experimental_ref(self) -> "Reference":
        """Returns a reference that can be the key of a dictionary; an older name of `ref`.

        Returns:
          An object that is equal to references to the same tensor.
        """
        return Reference(self)

    def __hash__(self) -> int:
        graph = getattr(self, "graph", None)
        of_v1_graph = graph is not None and not graph.building_function
        compares_identity = graph is not None and not Tensor._USE_EQUALITY
        if of_v1_graph or in_v1_graph() or compares_identity:
            return id(self)
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def __reduce__(self) -> Any:
        raise NotImplementedError

    def __deepcopy__(self, memo: Any) -> "Tensor":
        return self

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Returns the value that a session computes, in a graph of TensorFlow 1.

        Args:
          feed_dict: values for tensors of the graph.
          session: the session; by default the current one.

        Returns:
          A NumPy value.

        Raises:
          NotImplementedError: the tensor is eager.
        """
        raise NotImplementedError("eval is not supported when eager execution is enabled.")


class Reference:
    """A hashable stand-in for a tensor or variable, equal only to references to the same object."""

    __slots__ = ("_wrapped", "__weakref__")

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def deref(self) -> Any:
        """Returns the object referred to."""
        return self._wrapped

    unwrapped = read_only("_wrapped", "The object referred to.")

    def _assert_type(self, other: Any) -> None:
        if not isinstance(other, Reference):
            raise TypeError("Cannot compare wrapped object with unwrapped object")

    def __eq__(self, other: Any) -> bool:
        if other is None:
            return False
        self._assert_type(other)
        return hash(self) == hash(other)

    # An order by identity, so that structures with references as keys can be flattened.

    def __lt__(self, other: Any) -> bool:
        self._assert_type(other)
        return hash(self) < hash(other)

    def __gt__(self, other: Any) -> bool:
        self._assert_type(other)
        return hash(self) > hash(other)

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._wrapped!r}>"


def _absent(name: str) -> property:
    def refuse(self: Tensor) -> Any:
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}. NumPy's methods exist after "
            "tf.experimental.numpy.experimental_enable_numpy_behavior()."
        )

    return property(refuse)


for _name in ("T", "astype", "ravel", "transpose", "reshape", "clip", "size", "tolist", "data"):
    setattr(Tensor, _name, _absent(_name))
