"""Operands of equal shapes where TFLite's kernels broadcast too few axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.operators import BY_NAME
from penstock._src.formats.tflite.types import DTYPES

# The most axes of a result that kernels of TFLite broadcast to: beyond these its interpreter aborts the process.
_MOST_AXES = {
    **dict.fromkeys("ADD MUL SUB".split(), 6),
    **dict.fromkeys("DIV MAXIMUM MINIMUM SELECT_V2".split(), 5),
    **dict.fromkeys("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL".split(), 4),
    **dict.fromkeys("FLOOR_DIV FLOOR_MOD LOGICAL_AND LOGICAL_OR POW SQUARED_DIFFERENCE".split(), 4),
    "ATAN2": 0,
}


def broadcast(graph: Any, name: str, inputs: Sequence[int], output: int) -> list[int]:
    """Returns the inputs of an operator, in the shape of its output where its kernel cannot broadcast them.

    Args:
      graph: the GraphWriter.
      name: the builtin op.
      inputs: indices of tensors, -1 for one that is left out.
      output: the index of the first output.
    """
    wanted = _extents(graph, output)
    shapes = [_extents(graph, place) for place in inputs]
    others = [shape for shape in shapes if shape != wanted]
    if not others or len(wanted) <= _MOST_AXES.get(name, len(wanted)):
        return list(inputs)
    label = graph.tensors[output].name
    if None in wanted:
        sizes = [graph.sizes(place, label) for place in inputs]
        shape = sizes[0]
        for other in sizes[1:]:
            places = [shape, other]
            shape = graph.emit("BROADCAST_ARGS", places, dtypes.int32, [len(wanted)], label)
    else:
        shape = graph.constant(np.array(wanted, np.int32), "shape")
    version = BY_NAME["BROADCAST_TO"].version
    results = []
    for place, own in zip(inputs, shapes, strict=True):
        if own != wanted:
            dtype = DTYPES[graph.tensors[place].type]
            place = graph.emit(
                "BROADCAST_TO", [place, shape], dtype, wanted, label, version=version
            )
        results.append(place)
    return results


def _extents(graph: Any, place: int) -> list[int | None]:
    """The sizes of a tensor, None where they are unknown."""
    if place < 0:
        return []
    record = graph.tensors[place]
    known = record.shape if record.shape_signature is None else record.shape_signature
    return [None if extent == -1 else extent for extent in known]
