"""Functions of elements, compiled for stacks of elements.

A call for a batch replaces one for each element. Only functions take part whose results do not depend on how many elements are
computed at once: operations that map elements to elements or move values, on static shapes, without state.
"""

from typing import Any

import numpy as np

from penstock._src.util.slots import above

_MOST_BYTES = 1 << 20  # per element; above, a call for each costs little


def _is_alike(operation: Any) -> bool:
    """Whether an operation gives the same bits for one element and for many."""
    op = operation.raw_op
    return not op.stateful and (op.is_elementwise or op.is_movement)


def compiled_for_stacks(function: Any, captured: int) -> Any:
    """Returns the function of stacks, or None if its results could differ.

    Args:
      function: a function of an element, and of what it captures.
      captured: the number of captures, which are its last inputs.
    """
    if function.of_stacks is None:
        function.of_stacks = _made(function, captured) or False
    return function.of_stacks or None


def _made(function: Any, captured: int) -> Any:
    graph, elements = function.graph, len(function.inputs) - captured
    tensors = [t for operation in graph._operations for t in operation._outputs]
    if function.is_stateful or graph.control_outputs or function.why_host or not elements:
        return None
    if not all(t.shape.is_fully_defined() and t.dtype.is_numpy_compatible for t in tensors):
        return None
    if any(t.dtype.np.kind == "O" for t in tensors) or not all(map(_is_alike, graph._operations)):
        return None
    return above("stacked_function")(function, elements)


def serves(arrays: Any) -> bool:
    """Whether rows of arrays are numbers, and not so long that a call for each costs little."""
    if not all(type(a) is np.ndarray and a.dtype.kind != "O" for a in arrays) or not len(arrays[0]):
        return False
    return sum(array.nbytes for array in arrays) <= _MOST_BYTES * len(arrays[0])
