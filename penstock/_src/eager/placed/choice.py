"""On which device an eager op runs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.cluster.transports.table import connect
from penstock._src.core import dtypes
from penstock._src.core.calls.placement import CPU, POLICY, number_for, number_named, unsatisfied
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op
from penstock._src.core.typesets import BOOL, NUMERIC
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.placed.tensor import PlacedTensor

COMPUTED = NUMERIC | BOOL


def device_of_op(op: Op, tensors: Sequence[Any]) -> int:
    """The number of the device that an op runs on.

    Raises:
      InvalidArgumentError: `tf.device` names one that is missing, or has no kernel for the op, and soft placement is off.
    """
    asked = number_named(STATE.device)
    number = number_for(STATE.device, _usual(op, tensors), op.op_type)
    if number == CPU or _has_kernel(op, tensors):
        return number
    # Handles of variables are created on the device they name; other ops run on the device of their arguments.
    has_place = op.op_type == "VarHandleOp" or op.on_devices is not None
    if asked == number and POLICY.soft is False and not has_place:
        raise unsatisfied(number, op.op_type)
    return CPU


def _usual(op: Op, tensors: Sequence[Any]) -> int:
    """The device of an op without an explicit one: that of a variable among its inputs, else the first GPU; the CPU for plain int32.

    The shape argument of random ops is an int32 on the CPU, but does not decide where the numbers are drawn.
    """
    draws = op.at_position is not None and dtypes.int32 not in op.output_dtypes
    is_plain = all(t.dtype is dtypes.int32 and type(t) is not PlacedTensor for t in tensors)
    if is_plain and tensors and not draws:
        return CPU
    for tensor in tensors:
        if tensor.dtype is dtypes.resource:
            made_for = getattr(tensor._value, "device", None)
            return CPU if made_for is None else number_for(made_for, 0, "VarHandleOp")
    return 0


def _has_kernel(op: Op, tensors: Sequence[Any]) -> bool:
    """True if an op can be a program over these inputs."""
    has_code = op.has_lowering or op.elements.has_dynamic_rows or op.at_position is not None
    if op.host_kernel.is_program or not has_code:
        return False
    types = [t for group in op.output_dtypes for t in (group if type(group) is tuple else (group,))]
    if not all(t in COMPUTED for t in types):
        return False
    has_variable = False
    for tensor in tensors:
        if tensor.dtype is dtypes.resource:
            value = tensor._value
            if not isinstance(value, VariableHandle) or value.dtype not in COMPUTED:
                return False
            has_variable = True
        elif tensor.dtype not in COMPUTED:
            return False
    if has_variable or not op.stateful or op.effects.leaves_nothing:
        return True
    return op.at_position is not None or _is_exchanged(op)


def _is_exchanged(op: Op) -> bool:
    """True if an op exchanges data between GPUs of several processes."""
    transport = connect() if op.effects.is_collective else None
    return transport is not None and transport.gpus is not None
