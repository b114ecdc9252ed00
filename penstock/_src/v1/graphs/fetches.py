"""Fetches of a session: the tensors and operations of a structure, and their values in it."""

import collections
from collections.abc import Container, Iterator
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.errors import InaccessibleTensorError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util import nest
from penstock._src.v1.graphs.feeds import session_type
from penstock._src.v1.graphs.handles import KEEPING, TensorHandle


class Fetches:
    """The fetches of a run: their tensors and operations, and the structure of their values.

    A variable that stands for a reference is read when all else has run, as TensorFlow's share their memory with what a session
    returns, so a step counter is fetched with the step that raises it. `reads_first` are the ids of the tensors for which
    that is not so, as they are fed, or None for no such variable.
    """

    def __init__(
        self, graph: Graph, fetches: Any, reads_first: Container[int] | None = None
    ) -> None:
        self.graph = graph
        self.reads_first = reads_first
        self.fetches = fetches
        self.tensors: list[SymbolicTensor] = []
        self.operations: list[Operation] = []
        # All of them, in the order of the structure: some variables make another tensor each time they are asked.
        self._elements: list[SymbolicTensor | Operation] = []
        # The handles of variables to read when all has run, by the ids of their values.
        self._handles: dict[int, SymbolicTensor] = {}
        # Expansions of registered types, by the ids of the objects: elements, and the function of their values.
        self._converted: dict[int, tuple[list[Any], Any]] = {}
        self._collect(fetches)
        # The operations that keep tensors, by the ids of their handle tensors.
        self.keeping = {t._id: t.op for t in self.tensors if t.op.type == KEEPING}

    def _collect(self, fetch: Any) -> None:
        children = _children(fetch)
        if children is not None:
            for child in children:
                self._collect(child)
            return
        known = session_type(fetch)
        if known is not None:
            self._converted[id(fetch)] = known.fetch(fetch)
        for part in self._parts(fetch):
            element = self._element(part)
            if not self.graph.is_fetchable(element):
                raise InaccessibleTensorError(
                    f"Operation '{getattr(element, 'op', element).name}' has been marked as not fetchable. Typically this "
                    "happens when it is defined in another function or code block. Use return values, explicit Python "
                    "locals or TensorFlow collections to access it."
                )
            self._elements.append(element)
            (self.tensors if isinstance(element, SymbolicTensor) else self.operations).append(
                element
            )

    def _element(self, fetch: Any) -> Any:
        if fetch is None:
            raise TypeError('Argument `fetch` = None has invalid type "NoneType". Cannot be None')
        handle = getattr(fetch, "handle", None)
        if handle is not None and hasattr(fetch, "_as_graph_element"):
            fetch = self._value_of(fetch, handle)
        if isinstance(fetch, bytes):
            fetch = fetch.decode()
        try:
            return self.graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f'Argument `fetch` = {fetch} has invalid type "{type(fetch).__name__}" must be a string '
                f"or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"Argument `fetch` = {fetch} cannot be interpreted as a Tensor. ({error})"
            ) from None

    def _value_of(self, variable: Any, handle: Any) -> Any:
        """Returns the tensor of a variable's value; for a reference variable, its handle is fetched as well."""
        value = variable._as_graph_element()
        is_own = value is not None and value is getattr(variable, "_graph_element", None)
        if self.reads_first is not None and is_own and value._id not in self.reads_first:
            if getattr(getattr(handle, "op", None), "stands_for_reference", False):
                self.tensors.append(handle)
                self._handles[value._id] = handle
        return value

    def _value(self, tensor: SymbolicTensor, values: dict[int, Any]) -> Any:
        handle = self._handles.get(tensor._id)
        if handle is not None:
            return _as_numpy(values[handle._id].read(), tensor.dtype)
        value = values[tensor._id]
        if isinstance(value, VariableHandle) and tensor.op.stands_for_reference:
            return _as_numpy(value.read(), value.dtype)
        return value if isinstance(value, TensorHandle) else _as_numpy(value, tensor.dtype)

    def pack(self, values: dict[int, Any]) -> Any:
        """Returns the values, structured like the fetches."""
        return self._pack(self.fetches, values, iter(self._elements))

    def _pack(self, fetch: Any, values: dict[int, Any], elements: Iterator[Any]) -> Any:
        children = _children(fetch)
        if children is not None:
            packed = [self._pack(child, values, elements) for child in children]
            return (
                _filled(fetch, packed) if isinstance(fetch, dict) else nest.rebuild(fetch, packed)
            )
        parts = self._parts(fetch)
        packed = []
        for _ in parts:
            element = next(elements)
            packed.append(
                self._value(element, values) if isinstance(element, SymbolicTensor) else None
            )
        if id(fetch) in self._converted:
            return self._converted[id(fetch)][1](packed)
        if len(parts) == 1 and parts[0] is fetch:
            return packed[0]
        return _composite_value(fetch, packed)

    def _parts(self, fetch: Any) -> list[Any]:
        converted = self._converted.get(id(fetch))
        return list(converted[0]) if converted is not None else _parts(fetch)


def _children(fetch: Any) -> Any:
    if isinstance(fetch, dict):  # in the order of insertion: any object may be a key
        return list(fetch.values())
    if isinstance(fetch, list | tuple):
        return nest.children(fetch)
    return None


def _filled(mapping: Any, values: list[Any]) -> Any:
    """Returns a mapping of the same class with other values."""
    pairs = zip(mapping, values, strict=True)
    if isinstance(mapping, collections.defaultdict):
        return type(mapping)(mapping.default_factory, pairs)
    return type(mapping)(pairs)


def _parts(fetch: Any) -> list[Any]:
    if isinstance(fetch, IndexedSlices):
        return fetch._parts()
    if nest.is_composite(fetch) and not hasattr(fetch, "handle"):
        return nest.flatten(fetch, expand_composites=True)
    return [fetch]


def _composite_value(fetch: Any, parts: list[Any]) -> Any:
    make = getattr(fetch, "_value_from_arrays", None)
    if make is not None:
        return make(parts)
    return tuple(parts)


def _as_numpy(value: Any, dtype: Any) -> Any:
    if dtype in (dtypes.resource, dtypes.variant) or not isinstance(value, np.ndarray):
        return value
    return value.copy() if value.ndim else value[()]
