"""`tensorflow.python.eager.record`: records steps on tapes and forward accumulators."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.autodiff import tape as tapes
from penstock._src.core.dispatch import STATE


class VariableWatcher:
    """A context that notes which trainable variables are used."""

    def __init__(self) -> None:
        self._tape = tapes.Tape()

    def __enter__(self) -> "VariableWatcher":
        tapes.push(self._tape)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        tapes.pop(self._tape)

    def watched_variables(self) -> tuple[Any, ...]:
        """Returns the variables, in the order of their first use."""
        return tuple(self._tape.variables.values())


@contextlib.contextmanager
def stop_recording() -> Iterator[None]:
    """A context that no tape or accumulator records."""
    before = STATE.tapes, STATE.accumulators
    STATE.tapes, STATE.accumulators = (), ()
    try:
        yield
    finally:
        STATE.tapes, STATE.accumulators = before


def should_record_backprop(tensors: Sequence[Any]) -> bool:
    """True if any tape watches any of the tensors."""
    return any(tape.is_watched(t) for tape in STATE.tapes for t in tensors)


def could_possibly_record() -> bool:
    """True if any tape records."""
    return bool(STATE.tapes or STATE.accumulators)


def record_operation(
    op_type: str,
    output_tensors: Sequence[Any],
    input_tensors: Sequence[Any],
    backward_function: Callable[..., Any],
    forward_function: Any = None,
) -> None:
    """Records a step on all tapes and accumulators."""
    del forward_function
    tapes.record_function(op_type, list(input_tensors), list(output_tensors), backward_function)


def record_operation_backprop_only(
    op_type: str,
    output_tensors: Sequence[Any],
    input_tensors: Sequence[Any],
    backward_function: Callable[..., Any],
) -> None:
    """Records a step on all tapes."""
    for tape in STATE.tapes:
        tape.record_function(op_type, list(input_tensors), list(output_tensors), backward_function)


def record_operation_forwardprop_only(
    op_type: str,
    output_tensors: Sequence[Any],
    input_tensors: Sequence[Any],
    backward_function: Callable[..., Any],
    forwardprop_output_indices: Any = None,
) -> None:
    """Records a step on all accumulators."""
    del op_type, forwardprop_output_indices
    for accumulator in STATE.accumulators:
        accumulator.record_step(list(input_tensors), list(output_tensors), backward_function)
