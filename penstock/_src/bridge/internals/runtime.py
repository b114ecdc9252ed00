"""The names of TensorFlow's C++ runtime (`pywrap_tfe`) that libraries refer to."""

from __future__ import annotations

import enum
import socket
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from penstock._src.autodiff.forward import ForwardAccumulator, set_jvp_function
from penstock._src.bridge.python.eager.forwardprop import _jvp_dispatch
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.eager.tensor import EagerTensor


class TF_AttrType(enum.IntEnum):
    """The types of attributes."""

    TF_ATTR_STRING = 0
    TF_ATTR_INT = 1
    TF_ATTR_FLOAT = 2
    TF_ATTR_BOOL = 3
    TF_ATTR_TYPE = 4
    TF_ATTR_SHAPE = 5
    TF_ATTR_TENSOR = 6
    TF_ATTR_PLACEHOLDER = 7
    TF_ATTR_FUNC = 8


globals().update(TF_AttrType.__members__)


def TF_PickUnusedPortOrDie() -> int:
    """Returns a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def TFE_Py_TensorShapeSlice(tensors: Any, slice_dim: int) -> Any:
    """Returns the sizes of tensors along one axis.

    Raises:
      TypeError: `tensors` is not a list of tensors.
      ValueError: the axis is negative.
      IndexError: a tensor has no such axis.
    """
    if not isinstance(tensors, list | tuple):
        name = type(tensors).__name__
        raise TypeError(f'tensors argument must be a list or a tuple. Got "{name}"')
    if slice_dim < 0:
        raise ValueError(f"Slice dimension must be non-negative. Got {slice_dim}")
    for index, tensor in enumerate(tensors):
        if not isinstance(tensor, EagerTensor):
            name = type(tensor).__name__
            raise TypeError(
                f'Expected a list of EagerTensors but element {index} has type "{name}"'
            )
        if slice_dim >= len(tensor.shape):
            raise IndexError(
                f"Slice dimension ({slice_dim}) must be smaller than rank of all tensors, "
                f"but tensor at index {index} has rank {len(tensor.shape)}"
            )
    sizes = np.array([tensor.shape[slice_dim] for tensor in tensors], np.int32)
    return convert_to_tensor(sizes)


def TFE_Py_TapeSetPossibleGradientTypes(tensors: Sequence[Any]) -> int:
    """Returns which gradients tapes and accumulators could be asked for: 0 none, 1 first order, 2 higher orders."""
    count = 0
    for tape in STATE.tapes:
        if any(tape.is_watched(tensor) for tensor in tensors):
            count += 2 if tape.persistent else 1
    for accumulator in STATE.accumulators:
        if isinstance(accumulator, ForwardAccumulator):
            count += any(accumulator.jvp(tensor) is not None for tensor in tensors)
    return min(count, 2)


def TFE_Py_RegisterJVPFunction(f: Callable[..., Any]) -> None:
    """Lets forward accumulators compute the tangents of each operation by a function."""
    set_jvp_function(None if f is _jvp_dispatch else f)


def TF_ListPluggablePhysicalDevices() -> list[bytes]:
    """Returns the devices of plugins: none."""
    return []


def TFE_Py_RegisterExceptionClass(e: Any) -> None:
    """Checks that errors could be raised as this class; those of ours are raised as they are.

    Raises:
      TypeError: it is not a class of exceptions.
    """
    if not (isinstance(e, type) and issubclass(e, BaseException)):
        raise TypeError(f"expected a subclass of Exception. Received {e!r}.")


def _missing(name: str, instead: str) -> type:
    """A class that raises when it is used."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnimplementedError(f"{name}: {instead}")

    return type(name, (), {"__init__": refuse, "__doc__": f"Raises UnimplementedError: {instead}"})


_NO_DUMPS = "Penstock writes no debugger dumps; set PENSTOCK_DEBUG or use tf.debugging."
DebugDataReader = _missing("DebugDataReader", _NO_DUMPS)
InfNanMonitor = _missing("InfNanMonitor", _NO_DUMPS)
InfNanAlert = _missing("InfNanAlert", _NO_DUMPS)
