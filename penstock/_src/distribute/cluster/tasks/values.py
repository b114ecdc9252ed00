"""Host values as messages: arrays as TensorProtos, resources as references to the task that holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.core.values.resources import Resource
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.ops.tensor_proto import from_proto, to_proto

# Protocol buffers hold less than 2 GiB; the other fields need some of it.
MOST_BYTES = (1 << 31) - (1 << 20)


def encode(value: Any, reference: Callable[[Resource], Any]) -> Any:
    """Returns the message of a host value.

    Args:
      value: an array, a number or a resource.
      reference: gives the message of a resource.

    Raises:
      ResourceExhaustedError: it is too large for a message.
      UnimplementedError: it is neither an array nor a resource.
    """
    message = messages.Value()
    if isinstance(value, Resource):
        message.resource.CopyFrom(reference(value))
        return message
    array = np.asarray(value) if isinstance(value, np.generic | bool | int | float) else value
    if getattr(array, "nbytes", 0) > MOST_BYTES:
        raise ResourceExhaustedError(
            f"A tensor of {array.nbytes} bytes does not fit into a message between tasks, which holds {MOST_BYTES}. "
            "Shard the variable with a variable_partitioner."
        )
    if not isinstance(array, np.ndarray):
        raise UnimplementedError(
            f"Values of type variant (datasets, tensor lists) are not sent between tasks. Received {type(value).__name__}."
        )
    message.tensor.CopyFrom(
        to_proto(array, dtypes.string if array.dtype.kind == "O" else dtypes.as_dtype(array.dtype))
    )
    return message


def decode(message: Any, resource: Callable[[Any], Resource]) -> Any:
    """Returns the host value of a message.

    Args:
      message: the message.
      resource: gives the resource of a reference.

    Raises:
      InvalidArgumentError: the message holds no value.
    """
    kind = message.WhichOneof("kind")
    if kind == "resource":
        return resource(message.resource)
    if kind != "tensor":
        raise InvalidArgumentError("The message holds no value.")
    if message.tensor.dtype == dtypes.variant.as_datatype_enum:
        raise InvalidArgumentError("Values of type variant are not sent between tasks.")
    return from_proto(message.tensor)


def encode_all(target: Any, values: Sequence[Any], reference: Callable[[Resource], Any]) -> None:
    """Adds the messages of values to a repeated field."""
    for value in values:
        target.add().CopyFrom(encode(value, reference))
