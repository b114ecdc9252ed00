"""Traceback filtering and checks of every result."""

from __future__ import annotations

import numpy as np

from penstock._src.core import errors
from penstock._src.core.dispatch import STATE
from penstock._src.util.export import export

_FILTERING = [True]


@export("debugging.is_traceback_filtering_enabled")
def is_traceback_filtering_enabled():
    """Whether frames of the library are left out of tracebacks."""
    return _FILTERING[0]


@export("debugging.enable_traceback_filtering")
def enable_traceback_filtering():
    """Leaves frames of the library out of tracebacks."""
    _FILTERING[0] = True


@export("debugging.disable_traceback_filtering")
def disable_traceback_filtering():
    """Shows all frames in tracebacks."""
    _FILTERING[0] = False


class _NumericsChecker:
    """Told of every op, as a tape is; raises at the first NaN or infinity that one makes."""

    def record_op(self, op, inputs, outputs):
        """Checks the floating-point outputs of an op."""
        for index, tensor in enumerate(outputs):
            if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
                continue
            if STATE.graph is not None:
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
                "\n\n!!! Detected Infinity or NaN in output "
                f'{index} of eagerly-executing op "{type(op).__name__}" (# of outputs: '
                f"{len(outputs)}) !!!\n  dtype: {tensor.dtype!r}\n  shape: {tensor.shape}\n"
                f"  # of +Inf or -Inf elements: {infinite}\n  # of +NaN elements: {nans}\n"
                f"  Input tensors: {len(inputs)}\n",
            )


_CHECKER = _NumericsChecker()


@export("debugging.enable_check_numerics")
def enable_check_numerics(stack_height_limit=30, path_length_limit=50):
    """Raises InvalidArgumentError at the first eager op that makes a NaN or infinity."""
    del stack_height_limit, path_length_limit
    if _CHECKER not in STATE.accumulators:
        STATE.accumulators = (*STATE.accumulators, _CHECKER)


@export("debugging.disable_check_numerics")
def disable_check_numerics():
    """Takes `enable_check_numerics` back."""
    STATE.accumulators = tuple(a for a in STATE.accumulators if a is not _CHECKER)


@export("debugging.experimental.enable_dump_debug_info")
def enable_dump_debug_info(
    dump_root,
    tensor_debug_mode="NO_TENSOR",
    circular_buffer_size=1000,
    op_regex=None,
    tensor_dtypes=None,
):
    """Not there: dumps for the debugger of TensorBoard."""
    raise errors.UnimplementedError(
        f"enable_dump_debug_info: dumps for TensorBoard's debugger are not implemented ({dump_root})."
    )


@export("debugging.experimental.disable_dump_debug_info")
def disable_dump_debug_info():
    """Nothing: no dump is ever started."""
