"""The graph that an operation belongs in: that of its inputs, whichever graph is the default one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.graph.operation import Operation, SymbolicTensor


def graph_of(values: Iterable[Any]) -> Any:
    """Returns the graph that all tensors and operations in `values` belong to; None if there are none.

    Args:
      values: arguments of a function. Ragged tensors and variables count as the tensors that stand for them in a graph;
        arrays, eager tensors and lists belong to no graph.

    Raises:
      ValueError: two of them belong to different graphs.
    """
    first: Any = None
    for value in values:
        element = _element(value)
        if element is None:
            continue
        if first is None:
            first = element
        elif element.graph is not first.graph:
            raise ValueError(
                f"{element} must be from the same graph as {first} (graphs are {element.graph} and "
                f"{first.graph})."
            )
    return None if first is None else first.graph


def _element(value: Any) -> SymbolicTensor | Operation | None:
    """Returns the tensor or operation that a value is in a graph, if any."""
    if not isinstance(value, SymbolicTensor | Operation):
        as_element = None if isinstance(value, type) else getattr(value, "_as_graph_element", None)
        value = None if as_element is None else as_element()
    return value if isinstance(value, SymbolicTensor | Operation) else None


def flat_arguments(arguments: Iterable[Any]) -> Iterator[Any]:
    """Yields the arguments of a call, with the elements of lists in place of the lists."""
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from argument
        else:
            yield argument


def in_graph_of(values: Iterable[Any]) -> contextlib.AbstractContextManager[Any]:
    """A block in which ops are added to the graph of `values`, if they are symbolic and no function is traced.

    Raises:
      ValueError: two of them belong to different graphs.
    """
    current = STATE.graph
    if current is None or current.building_function:
        return contextlib.nullcontext()
    graph = graph_of(values)
    if graph is None or graph is current or graph.building_function:
        return contextlib.nullcontext()
    return graph.as_default()


def scope_of(
    values: Iterable[Any], name: str | None, default: str
) -> contextlib.AbstractContextManager[str | None]:
    """The scope of a function of `values` that records several operations, in their graph; eagerly nothing, and None.

    Raises:
      ValueError: two of the values belong to different graphs.
    """
    if STATE.graph is None:
        return contextlib.nullcontext()
    return _scope_in(in_graph_of(values), name or default)


@contextlib.contextmanager
def _scope_in(graph: contextlib.AbstractContextManager[Any], name: str) -> Iterator[str]:
    with graph, STATE.graph.name_scope(name) as scope:
        yield scope
