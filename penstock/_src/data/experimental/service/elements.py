"""Elements as messages: dense, string, ragged and sparse components, optionals and windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.data.experimental.service import messages
from penstock._src.ops.data.iteration.resume import NotResumable
from penstock._src.ops.data.readers.snappy_stream import compressed, decompressed
from penstock._src.ops.data_shared.states import decoded, encoded
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.util.files.records import DamagedRecord

SNAPPY = "SNAPPY"


def as_message(element: Sequence[Any] | None, compression: str = "") -> Any:
    """Returns the message of an element, or of the end.

    Args:
      element: its components, host values.
      compression: SNAPPY, or "" for none.

    Raises:
      UnimplementedError: a component is one that no message holds, such as a dataset.
    """
    message = messages.Element(is_end=element is None)
    if element is None:
        return message
    if all(map(_is_plain, element)):
        for value in element:
            array = np.asarray(value)
            dtype = dtypes.string if array.dtype.kind == "O" else dtypes.as_dtype(array.dtype)
            message.components.add().CopyFrom(to_proto(array, dtype))
    else:
        try:
            message.structure, tensors = encoded({"element": tuple(element)})
        except NotResumable as error:
            raise UnimplementedError(
                f"tf.data service: elements cannot be sent: {error}"
            ) from error
        message.components.extend(tensors)
    if compression == SNAPPY:
        return messages.Element(packed=compressed(message.SerializeToString()))
    return message


def _is_plain(value: Any) -> bool:
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic | bytes) else None
    if array is None:
        return isinstance(value, bool | int | float)
    return array.dtype.kind != "O" or all(isinstance(item, bytes) for item in array.ravel())


def from_message(message: Any) -> tuple[Any, ...] | None:
    """Returns the element of a message; None at the end.

    Raises:
      InvalidArgumentError: it is damaged, or a component is none that is sent.
    """
    if message.is_end:
        return None
    if message.packed:
        try:
            message = messages.Element.FromString(decompressed(message.packed))
        except (DamagedRecord, DecodeError) as error:
            raise InvalidArgumentError(f"tf.data service: a damaged element: {error}") from error
    if message.structure:
        structure = decoded(message.structure, message.components)
        element = structure.get("element") if isinstance(structure, dict) else None
        if not isinstance(element, tuple):
            raise InvalidArgumentError("tf.data service: a damaged element: it has no components.")
        return element
    if any(c.dtype == dtypes.variant.as_datatype_enum for c in message.components):
        raise InvalidArgumentError(
            "tf.data service: a message has a variant without its structure."
        )
    return tuple(from_proto(component) for component in message.components)
