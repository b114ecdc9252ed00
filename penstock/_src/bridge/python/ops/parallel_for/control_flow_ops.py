"""`tensorflow.python.ops.parallel_for.control_flow_ops`: a loop over iterations that do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.vectorized.functions import pfor as pfor
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.graph.trace import autograph_converted, recording
from penstock._src.util import nest


def for_loop(
    loop_fn: Callable[[Any], Any],
    loop_fn_dtypes: Any,
    iters: Any,
    parallel_iterations: int | None = None,
) -> Any:
    """Returns the results of `loop_fn(i)` for i = 0 .. iters - 1, stacked, computed one after the other.

    Args:
      loop_fn: a function of a scalar int32 tensor. Results that are operations, or None, are None.
      loop_fn_dtypes: the dtypes of its results, in their structure.
      iters: the number of iterations.
      parallel_iterations: a positive number; accepted.
    """
    if parallel_iterations is not None and parallel_iterations < 1:
        raise TypeError(
            f"`parallel_iterations` must be None or a positive integer. Received {parallel_iterations}."
        )
    dtypes_of = nest.flatten(loop_fn_dtypes)
    count = convert_to_tensor(iters, dtypes.int32)
    loop_fn = autograph_converted(loop_fn)
    has_value: list[bool] = [dtype is not None for dtype in dtypes_of]

    def body(i: Any, *arrays: TensorArray) -> list[Any]:
        outputs = nest.flatten(loop_fn(i))
        if len(outputs) != len(dtypes_of):
            raise ValueError(
                f"Function for `loop_fn` returned {len(outputs)} results, but `loop_fn_dtypes` has "
                f"{len(dtypes_of)}."
            )
        written = []
        for k, (output, array) in enumerate(zip(outputs, arrays, strict=True)):
            if output is None or isinstance(output, Operation):
                has_value[k] = False
                written.append(array)
            else:
                dense = (
                    output if not isinstance(output, IndexedSlices) else convert_to_tensor(output)
                )
                written.append(array.write(i, dense))
        return [i + 1, *written]

    shapes: list[Any] = [None] * len(dtypes_of)
    if executing_eagerly() and not int(count):
        shapes = _shapes(loop_fn)
    arrays = [
        TensorArray(dtype or dtypes.int32, size=count, element_shape=shape)
        for dtype, shape in zip(dtypes_of, shapes, strict=True)
    ]
    _, *filled = while_loop(
        lambda i, *_: i < count, body, [convert_to_tensor(0, dtypes.int32), *arrays]
    )
    stacked = [array.stack() if exists else None for array, exists in zip(filled, has_value)]
    return nest.pack_sequence_as(loop_fn_dtypes, stacked)


def _shapes(loop_fn: Callable[[Any], Any]) -> list[Any]:
    """Returns the shapes of the results, which a loop without iterations does not show."""
    graph = FuncGraph("loop_body")
    with recording(graph):
        outputs = nest.flatten(loop_fn(raw.Placeholder(dtype=dtypes.int32, shape=[])))
        return [
            None if leaf is None or isinstance(leaf, Operation) else convert_to_tensor(leaf).shape
            for leaf in outputs
        ]
