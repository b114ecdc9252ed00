"""Logical CPUs: tensors and variables report the one that `tf.device` named.

They share the process's memory and threads, so only names differ: a tensor's class holds its device.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.placement import POLICY
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.tensor import Tensor
from penstock._src.core.values import kernel_state
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import CPU_NAME, EagerTensor
from penstock._src.graph.library import GraphFunction
from penstock._src.util import nest, slots
from penstock._src.util.device_spec import DeviceSpec

_PLAIN: list[
    Any
] = []  # the functions in the slots before `install`: they run ops, make constants and run functions
# dtypes whose values TensorFlow keeps in host memory on every device
_ON_HOST = (dtypes.string, dtypes.resource, dtypes.variant)


def install() -> None:
    """Puts this file's functions into the slots, once; they do nothing while there is one logical CPU."""
    if not _PLAIN:
        _PLAIN.extend((slots.RUN_EAGERLY, slots.MAKE_CONSTANT, slots.RUN_FUNCTION))
        slots.RUN_EAGERLY, slots.MAKE_CONSTANT = _run_op, _make_constant
        slots.RUN_FUNCTION = _run_function
        dispatch.OBSERVED.append(_run_op)


def placed(tensor: Any, name: str | None) -> Any:
    """Returns an eager tensor as one on the logical CPU `name`; anything else as it is."""
    if type(tensor) is not EagerTensor and not hasattr(type(tensor), "cpu_index"):
        return tensor
    number = _index(name, POLICY.cpus)
    if number == getattr(tensor, "cpu_index", 0):
        return tensor
    return _name_device(EagerTensor(tensor._value, tensor._dtype), number)


def all_placed(value: Any, name: str | None) -> Any:
    """Returns a structure with its eager tensors on the logical CPU `name`."""
    if POLICY.cpus == 1:
        return value
    return nest.map_structure(lambda part: placed(part, name), value, expand_composites=True)


@functools.lru_cache(1024)
def _index(name: str | None, count: int) -> int:
    """The number of the logical CPU in a device name; 0 if it names another device or a missing one."""
    spec = DeviceSpec.from_string(name or "")
    index = spec.device_index or 0 if spec.device_type == "CPU" else 0
    return index if index < count else 0


def _asked() -> int:
    return _index(STATE.device, POLICY.cpus) if STATE.device else 0


@functools.cache
def _class_for(number: int, backing: int) -> type[EagerTensor]:
    names = [f"{CPU_NAME[:-1]}{index}" for index in (number, backing)]
    members = {
        "__slots__": (),
        "__module__": EagerTensor.__module__,
        "device": names[0],
        "backing_device": names[1],
        "cpu_index": number,
    }
    return type("EagerTensor", (EagerTensor,), members)


def _name_device(tensor: Any, number: int) -> Any:
    """Sets the device name of a tensor that no other code has seen yet."""
    if type(tensor) is EagerTensor and number:
        tensor.__class__ = _class_for(number, 0 if tensor._dtype in _ON_HOST else number)
        resource = tensor._value
        if isinstance(resource, VariableHandle) and resource.device is None:
            resource.device = tensor.device
    return tensor


def _run_op(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Runs an op on the current logical CPU. See `util.slots.RUN_EAGERLY`."""
    number = _asked()
    if not number:
        return _PLAIN[0](cls, inputs, attrs)
    with kernel_state.on_device(number):
        results = _PLAIN[0](cls, inputs, attrs)
    for tensor in nest.flatten(results):
        _name_device(tensor, number)
    return results


def _make_constant(array: np.ndarray, dtype: DType, name: str | None) -> Tensor:
    constant: Tensor = _PLAIN[1](array, dtype, name)
    return constant if STATE.graph is not None else _name_device(constant, _asked())


def _run_function(function: GraphFunction, tensors: Sequence[Any]) -> list[Any] | None:
    """Runs a graph function on the current logical CPU. See `util.slots.RUN_FUNCTION`."""
    results: list[Any] | None = _PLAIN[2](function, tensors) if _PLAIN[2] is not None else None
    number = _asked()
    if not number:
        return results
    if results is None:
        if not all(isinstance(tensor, EagerTensor) for tensor in tensors):
            return None
        with kernel_state.on_device(number):
            values = function.executable([tensor._value for tensor in tensors])
        results = list(map(EagerTensor, values, function.output_types))
    for tensor in results:
        _name_device(tensor, number)
    return results
