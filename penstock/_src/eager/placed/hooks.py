"""Places ops, functions and constants on the devices of `tf.device` and PENSTOCK_DEVICE."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.calls.binding import bind
from penstock._src.core.calls.placement import (
    CPU,
    POLICY,
    has_gpus,
    name_of,
    number_for,
    number_named,
)
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.execute import arrange, run
from penstock._src.eager.placed.choice import device_of_op
from penstock._src.eager.placed.ops import run_by_devices, run_on_device
from penstock._src.eager.placed.tensor import TYPES, held_value, tensor_there
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.library import GraphFunction
from penstock._src.util import slots

_PLAIN: list[
    Any
] = []  # the functions in the slots before `install`: they run ops, make constants and run functions


def install() -> None:
    """Puts this file's functions into the slots, once."""
    if not _PLAIN:
        _PLAIN.extend((slots.RUN_EAGERLY, slots.MAKE_CONSTANT, slots.RUN_FUNCTION))
        slots.RUN_EAGERLY, slots.MAKE_CONSTANT = _run_op, _make_constant
        slots.RUN_FUNCTION = _run_function
        dispatch.OBSERVED.append(_run_op)


def uninstall() -> None:
    """Restores the previous functions in the slots, unless others have wrapped this file's: those do nothing without GPUs."""
    own = (_run_op, _make_constant, _run_function)
    if _PLAIN and (slots.RUN_EAGERLY, slots.MAKE_CONSTANT, slots.RUN_FUNCTION) == own:
        slots.RUN_EAGERLY, slots.MAKE_CONSTANT, slots.RUN_FUNCTION = _PLAIN
        _PLAIN.clear()
        dispatch.OBSERVED.remove(_run_op)


def _run_op(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Runs an op where it is placed. See `util.slots.RUN_EAGERLY`."""
    if cls.traits.has_refs or not (has_gpus() or POLICY.logs):
        return _PLAIN[0](cls, inputs, attrs)
    tensors, op = bind(cls, inputs, attrs, False)
    if not all(isinstance(tensor, EagerTensor) for tensor in tensors):
        return _PLAIN[0](cls, inputs, attrs)  # which refuses tensors of graphs
    number = device_of_op(op, tensors) if has_gpus() else CPU
    if POLICY.logs:
        log(op.op_type, number)
    outputs = run_by_devices(op, tensors) if op.on_devices is not None else None
    if outputs is None:
        outputs = run(op, tensors) if number == CPU else run_on_device(op, tensors, number)
    for output in outputs:
        _say_device(output)
    if STATE.tapes or STATE.accumulators:
        dispatch.record(op, tensors, outputs)
    return arrange(op, outputs)


def _say_device(tensor: EagerTensor) -> None:
    """Notes in a new variable for which device it is made."""
    if type(tensor) is EagerTensor and isinstance(tensor._value, VariableHandle):
        handle = tensor._value
        if handle.device is None and handle.dtype in TYPES and has_gpus():
            number = number_for(STATE.device, 0, "VarHandleOp")
            handle.device = name_of(number) if number != CPU else None


def _make_constant(array: np.ndarray, dtype: DType, name: str | None) -> Tensor:
    """A constant of the current context, on the current device."""
    if STATE.graph is not None or not has_gpus():
        constant: Tensor = _PLAIN[1](array, dtype, name)
        return constant
    return tensor_there(array, dtype, number_for(STATE.device, 0, ""))


def _run_function(function: GraphFunction, tensors: Sequence[Any]) -> list[Any] | None:
    """Runs a graph function on the device of the call; None if it is to be run as usual."""
    if _PLAIN[2] is not None and (results := _PLAIN[2](function, tensors)) is not None:
        typed_results: list[Any] = results
        return typed_results
    executable: Any = function.executable
    run_there = getattr(executable, "run_there", None)
    if POLICY.logs:
        log(function.name, number_for(STATE.device, 0, function.name) if has_gpus() else CPU)
    if run_there is None or not all(isinstance(tensor, EagerTensor) for tensor in tensors):
        return None
    number = executable.home
    if number is None:
        number = number_for(STATE.device, 0, function.name)
    values = run_there([held_value(tensor) for tensor in tensors], number)
    outputs = zip(values, function.output_types, function.outputs, strict=True)
    return [
        # Host arrays are results of operations on the CPU, or were computed from static shapes.
        tensor_there(v, dtype, CPU if number_named(t.device) == CPU else number)
        for v, dtype, t in outputs
    ]


def log(what: str, number: int) -> None:
    """Writes where something runs, as TensorFlow writes it."""
    print(f"Executing op {what} in device {name_of(number)}", file=sys.stderr)
