"""Feeds of a session: keys of a feed_dict as tensors, values as arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import to_array
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util import nest
from penstock._src.v1.graphs.handles import TensorHandle


def feed_parts(graph: Graph, key: Any, value: Any) -> list[tuple[SymbolicTensor, Any]]:
    """The tensors of a key of a feed_dict, and their values.

    Raises:
      TypeError: the key is not a tensor of the graph.
      ValueError: key and value are of different structures.
    """
    known = session_type(key)
    if known is not None and known.feed is not None:
        return [(graph.as_graph_element(t), its) for t, its in known.feed(key, value)]
    if isinstance(key, tuple | list):
        if not isinstance(value, tuple | list) or len(key) != len(value):
            raise ValueError(f"The feed {key} has the structure of its keys. Received {value!r}.")
        return [
            part
            for one, its in zip(key, value, strict=True)
            for part in feed_parts(graph, one, its)
        ]
    if isinstance(key, IndexedSlices) or nest.is_composite(key):
        slices = isinstance(key, IndexedSlices)
        parts = key._parts() if slices else nest.flatten(key, expand_composites=True)
        if hasattr(value, "nested_row_splits"):
            value = [value.flat_values, *value.nested_row_splits]
        return list(zip(parts, value, strict=False))
    made_by = getattr(getattr(key, "handle", None), "op", None)
    if getattr(made_by, "stands_for_reference", False):
        key = key.handle
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except (KeyError, ValueError, TypeError) as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
    return [(tensor, value)]


def feed_value(tensor: SymbolicTensor, value: Any) -> Any:
    """The value of a feed as a host value.

    Raises:
      TypeError: the value is of a type that the tensor cannot have.
      ValueError: it has another shape, or the tensor may not be fed.
    """
    if not tensor.graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor.name} may not be fed.")
    if isinstance(value, Tensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
            "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object "
            f"was {value} which was passed to the argument `feed_dict` with key {tensor}."
        )
    if tensor.op.stands_for_reference:
        return _fed_reference(tensor.op, value)
    if tensor.dtype in (dtypes.resource, dtypes.variant):
        return value
    if isinstance(value, TensorHandle):
        value = value.handle if tensor.dtype is dtypes.string else value.eval()
    array = _feed_array(tensor.dtype, value)
    if not tensor.shape.is_compatible_with(array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor {tensor.name}, which has shape "
            f"{tensor.shape}"
        )
    return array


class _FedVariable(VariableHandle):
    """A variable that has a fed value for one run, and takes no other."""

    fed: np.ndarray | None = None

    @property
    def value(self) -> Any:
        return self.fed

    @value.setter
    def value(self, value: Any) -> None:
        if self.fed is not None:
            raise InvalidArgumentError(
                f"Variable {self.name} is fed, so no operation of this run can update it."
            )
        self.fed = value


def _fed_reference(made_by: Operation, value: Any) -> VariableHandle:
    """A variable for one run: what reads the reference, also in functions, reads the fed value."""
    dtype, shape = made_by.get_attr("dtype"), as_shape(made_by.get_attr("shape"))
    array = _feed_array(dtype, value)
    if not shape.is_compatible_with(array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor {made_by.name}:0, which has shape {shape}"
        )
    array = array.copy()
    array.setflags(write=False)  # programs write in place into others, without an assignment
    return _FedVariable(shape, dtype, made_by.name, value=array)


def _feed_array(dtype: Any, value: Any) -> Any:
    """A fed value as NumPy casts it to a type: floats are truncated to integers.

    Raises:
      TypeError: it is an integer that the type cannot hold.
    """
    if dtype is dtypes.string and not isinstance(value, int):
        return to_array(value, dtype)[0]
    kind = dtype.as_numpy_dtype
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if dtype is dtypes.string or (is_integer and np.asarray(value).astype(kind) != value):
        raise TypeError(
            f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type "
            f"{kind}. Try explicitly setting the type of the feed tensor to a larger type (e.g. int64)."
        )
    return np.asarray(value).astype(kind, copy=False)


# -- registered user types: the tensors of an object


class SessionType(NamedTuple):
    """Conversion of objects of a class by sessions.

    Attributes:
      kind: the class; its subclasses are taken likewise.
      fetch: from an object to its graph elements, and a function from the list of their values to the object's.
      feed: from an object and a value to pairs of a tensor and what is fed for it, or None.
      feed_partially: from an object to the tensors that are fed for it in a partial run, or None.
    """

    kind: type
    fetch: Callable[[Any], tuple[Any, Callable[[list[Any]], Any]]]
    feed: Callable[[Any, Any], Any] | None
    feed_partially: Callable[[Any], Any] | None


# The newest first, which are asked first.
_TYPES: list[SessionType] = []


def register_session_run_conversion_functions(
    tensor_type: type,
    fetch_function: Callable[[Any], Any],
    feed_function: Callable[[Any, Any], Any] | None = None,
    feed_function_for_partial_run: Callable[[Any], Any] | None = None,
) -> None:
    """Makes sessions fetch and feed objects of a class.

    Args:
      tensor_type: the class.
      fetch_function: from an object to a list of graph elements, and a function from the list of their values to the value of the object.
      feed_function: from an object and its value to a list of pairs of a tensor and what is fed for it.
      feed_function_for_partial_run: from an object to the tensors that are fed for it.

    Raises:
      ValueError: the class or one of its subclasses is registered already.
    """
    for known in _TYPES:
        if issubclass(known.kind, tensor_type):
            raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _TYPES.insert(
        0, SessionType(tensor_type, fetch_function, feed_function, feed_function_for_partial_run)
    )


def session_type(value: Any) -> SessionType | None:
    """Returns how sessions take an object, if its class or a base is registered."""
    return next((known for known in _TYPES if isinstance(value, known.kind)), None)


def partial_feed(value: Any) -> list[Any]:
    """Returns the tensors that are fed for a feed of a partial run."""
    known = session_type(value)
    if known is None or known.feed_partially is None:
        return [value]
    return list(known.feed_partially(value))
