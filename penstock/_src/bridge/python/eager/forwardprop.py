"""`tensorflow.python.eager.forwardprop`: tangents of single operations."""

from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.forward import ForwardAccumulator
from penstock._src.core.registry import raw

from .execute import quick_execute

# TensorFlow computes tangents by functions, and traces no more than this number of shapes of one operation.
_TRACE_COUNT_LIMIT = 32


def _jvp_dispatch(
    op_name: str,
    attr_tuple: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    tangents: Sequence[Any],
    use_batch: bool = False,
) -> list[Any]:
    """Returns the tangents of an operation's outputs.

    Args:
      op_name: the operation.
      attr_tuple: names and values of its attributes in turn.
      inputs, outputs: its tensors.
      tangents: one for each input.
      use_batch: whether the tangents have a first axis of directions.
    """
    make = ForwardAccumulator._batch_accumulator if use_batch else ForwardAccumulator
    copies = [raw.Identity(input=tensor) for tensor in inputs]
    with make(copies, list(tangents)) as accumulator:
        results = quick_execute(op_name, len(outputs), copies, attr_tuple)
    return accumulator.jvp(results)
