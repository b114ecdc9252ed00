"""`tensorflow.python.eager.forwardprop_util`: the state of forward accumulators."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from penstock._src.autodiff.forward import ForwardAccumulator
from penstock._src.core.dispatch import STATE


class TangentInfo(NamedTuple):
    """The tangents of some tensors."""

    indices: Any = ()
    tangents: Any = ()


def _accumulators() -> list[ForwardAccumulator]:
    return [
        accumulator
        for accumulator in STATE.accumulators
        if isinstance(accumulator, ForwardAccumulator)
    ]


def pack_tangents(tensors: Sequence[Any]) -> TangentInfo:
    """Returns the tangents that active accumulators have for tensors, and for tangents of outer accumulators.

    Args:
      tensors: tensors.

    Returns:
      `indices`, for each accumulator pairs of the index of a tensor and that of its tangent, both in
      `tensors + tangents`; and `tangents`.
    """
    known = list(tensors)
    indices = []
    for accumulator in _accumulators():
        pairs = []
        for index, tensor in enumerate(list(known)):
            tangent = accumulator.jvp(tensor)
            if tangent is not None:
                pairs.append((index, len(known)))
                known.append(tangent)
        indices.append(tuple(pairs))
    return TangentInfo(tuple(indices), known[len(tensors) :])


@contextlib.contextmanager
def push_forwardprop_state() -> Iterator[None]:
    """A context in which accumulators record, even those that are computing a tangent."""
    accumulators = _accumulators()
    before = [accumulator._busy for accumulator in accumulators]
    for accumulator in accumulators:
        accumulator._busy = False
    try:
        yield
    finally:
        for accumulator, was_busy in zip(accumulators, before):
            accumulator._busy = was_busy
