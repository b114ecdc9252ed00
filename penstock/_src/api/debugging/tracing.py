"""Traceback filtering, and numeric checks of every result."""

import numpy as np

from penstock._src.core import errors
from penstock._src.core.calls import tracebacks
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export

from .keras_layers import current_layer


@export("debugging.is_traceback_filtering_enabled")
def is_traceback_filtering_enabled():
    """True if tracebacks leave out the library's frames, as is the default.

    Returns:
      A bool, for the calling thread.

    >>> import penstock as tf
    >>> tf.debugging.is_traceback_filtering_enabled()
    True
    """
    return tracebacks.is_filtering()


@export("debugging.enable_traceback_filtering")
def enable_traceback_filtering():
    """Leaves frames of the library out of the tracebacks of errors in this thread, as by default.

    What is left are the lines of the user's program. An error of the library that led to the one raised is left out too.
    """
    tracebacks.set_filtering(True)


@export("debugging.disable_traceback_filtering")
def disable_traceback_filtering():
    """Shows all frames in the tracebacks of errors in this thread, and the errors that led to them: to look into the library."""
    tracebacks.set_filtering(False)


_HEADING = "\n\n!!! Detected Infinity or NaN in output"


class _NumericsChecker:
    """Observes every op, eager or in a graph, and raises an error if it produces a NaN or infinity."""

    def record_op(self, op, inputs, outputs):
        """Checks the floating-point outputs of an eager op; called like a tape."""
        if STATE.graph is not None or _keeps_finite(op):
            return
        for index, tensor in enumerate(outputs):
            if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
                continue
            value = np.asarray(tensor.numpy())
            if value.dtype.kind not in "fc":
                value = value.astype(np.float32)
            if np.isfinite(value).all():
                continue
            nans, infinite = int(np.isnan(value).sum()), int(np.isinf(value).sum())
            raise errors.InvalidArgumentError(
                None,
                None,
                f'{_HEADING} {index} of eagerly-executing op "{type(op).__name__}" (# of outputs: '
                f"{len(outputs)}) !!!\n  dtype: {tensor.dtype!r}\n  shape: {tensor.shape}\n"
                f"  # of +Inf or -Inf elements: {infinite}\n  # of +NaN elements: {nans}\n"
                f"  Input tensors: {len(inputs)}\n{_of_layer()}",
            )

    def watch(self, node):
        """Adds checks of an operation's floating-point outputs to its graph."""
        if _keeps_finite(node.raw_op) or node.graph is not STATE.graph:
            return
        before, STATE.tapes = STATE.tapes, ()
        try:
            for index, tensor in enumerate(node.outputs):
                if tensor.dtype.is_floating:
                    raw.CheckNumericsV2(tensor, message=_of_operation(node, index))
        finally:
            STATE.tapes = before


def _keeps_finite(op):
    """True if finite inputs give finite results. The inputs have been checked already."""
    return op.elements.is_movement or op.values.keeps_finite


def _of_operation(node, index):
    """The error message for a non-finite output of a graph operation."""
    tensor = node.outputs[index]
    inputs = "".join(f"\n         {i}: {x!r}" for i, x in enumerate(node.inputs))
    where = f"\n  Made at: {node.location}" if node.location is not None else ""
    where += f"\n{_of_layer()}".rstrip()
    return (
        f'{_HEADING} {index} of graph op "{node.type}" (# of outputs: {len(node.outputs)}) !!!\n'
        f"  Operation: {node.name}\n  dtype: {tensor.dtype!r}\n  shape: {tensor.shape}\n"
        f"  Input tensors ({len(node.inputs)}):{inputs}{where}\n\n"
    )


def _of_layer():
    """The line of a message that names the Keras layer, if one is being called."""
    layer = current_layer()
    return f"  Keras layer: {layer}\n" if layer else ""


_CHECKER = _NumericsChecker()


@export("debugging.enable_check_numerics")
def enable_check_numerics(stack_height_limit=30, path_length_limit=50):
    """Raises InvalidArgumentError at the first op that produces a NaN or infinity, eager or in functions traced from now on.

    The error names the op, its inputs, the line of the program that called it, and the Keras layer if one did.

    Args:
      stack_height_limit, path_length_limit: accepted for compatibility; the error names one line.

    >>> tf.debugging.enable_check_numerics()
    >>> tf.debugging.disable_check_numerics()
    """
    del stack_height_limit, path_length_limit
    if _CHECKER not in STATE.accumulators:
        STATE.accumulators = (*STATE.accumulators, _CHECKER)
        STATE.graph_watchers = (*STATE.graph_watchers, _CHECKER.watch)


@export("debugging.disable_check_numerics")
def disable_check_numerics():
    """Undoes `enable_check_numerics`; functions traced in between keep their checks."""
    STATE.accumulators = tuple(a for a in STATE.accumulators if a is not _CHECKER)
    STATE.graph_watchers = tuple(w for w in STATE.graph_watchers if w != _CHECKER.watch)
