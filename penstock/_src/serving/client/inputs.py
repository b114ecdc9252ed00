"""Converts callers' values to arrays of a signature's dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.serving.rest.parsing.values import array_of
from penstock._src.serving.servables.servable import TensorInfo


def arrays(values: Any, inputs: Mapping[str, TensorSpec], signature: str) -> dict[str, np.ndarray]:
    """Returns an array for each input that is given.

    Args:
      values: values by names of inputs, or the value of the only input.
      inputs: of the signature.
      signature: its name, for messages.

    Raises:
      InvalidArgumentError: names are unknown or missing, or a value does not fit a dtype.
    """
    if not isinstance(values, Mapping):
        if len(inputs) != 1:
            raise InvalidArgumentError(
                f"{signature} takes {sorted(inputs)}: expected a dict with a value for each. Received {type(values).__name__}."
            )
        values = {next(iter(inputs)): values}
    unknown = sorted(name for name in values if name not in inputs)
    if unknown:
        raise InvalidArgumentError(f"{signature} takes {sorted(inputs)}. Received {unknown}.")
    return {name: array(value, inputs[name].dtype, name) for name, value in values.items()}


def array(value: Any, dtype: dtypes.DType, name: str) -> np.ndarray:
    """Returns a value as an array of a dtype; strings are bytes.

    Integers are converted to any type that holds them, floating-point numbers to narrower ones by rounding; nothing is cut off.

    Args:
      value: a number, string, array, tensor, or nested lists.
      dtype: of the input.
      name: of the input, for messages.

    Raises:
      InvalidArgumentError: it is ragged, or its values are of another kind or out of range.
    """
    if isinstance(value, np.ndarray) and value.dtype == dtype.np and dtype is not dtypes.string:
        return value
    if dtype is dtypes.string:
        return _strings(value, name)
    if not isinstance(value, list | tuple):
        value = np.asarray(value)
        if value.dtype.kind == "V":  # bfloat16 and other narrow numbers
            value = value.astype(np.float32)
    return array_of(value, TensorInfo(dtype, None), name)


def _strings(value: Any, name: str) -> np.ndarray:
    try:
        # A bytes object in NumPy's own type of strings would lose zeros at its end.
        items = np.asarray(value) if isinstance(value, np.ndarray) else np.array(value, object)
    except ValueError as error:
        raise InvalidArgumentError(
            f"The input '{name}': lists of unequal lengths or depths ({error})."
        ) from error
    encoded = np.empty(items.size, object)
    encoded[:] = [_bytes(item, name) for item in items.ravel().tolist()]
    return encoded.reshape(items.shape)


def _bytes(value: Any, name: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise InvalidArgumentError(
        f"The input '{name}' is of type string. Received {type(value).__name__}."
    )
