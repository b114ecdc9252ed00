"""Checks arrays against a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.servables.servable import Shape, Signature, TensorInfo


def arguments(
    signature: Signature, named_arrays: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], bool]:
    """Returns an array for each input of a signature, in its order, and whether a last axis of extent 1 was left out of one.

    TensorFlow Serving checks no shapes: vectors are given for columns, and come back as vectors (see `without_last_axes`).

    Args:
      signature: whose function is to be called.
      named_arrays: arrays by the names of inputs.

    Raises:
      InvalidArgumentError: an input is missing or unknown, or has another dtype or shape.
    """
    arrays: list[np.ndarray] = []
    is_short = False
    for name, info in signature.inputs.items():
        array = named_arrays.get(name)
        if array is None:
            array = signature.defaults.get(name)
        if array is None:
            _refuse_names(signature, named_arrays)
        if info.shape and info.shape[-1] == 1 and array.ndim == len(info.shape) - 1:
            array, is_short = array[..., None], True
        _check(signature.name, name, info, array)
        arrays.append(array)
    if len(named_arrays) > len(arrays) or not signature.inputs.keys() >= named_arrays.keys():
        _refuse_names(signature, named_arrays)
    return arrays, is_short


def without_last_axes(
    signature: Signature, outputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns outputs without last axes of extent 1, for requests that left them out of inputs."""
    columns = {
        name for name, info in signature.outputs.items() if info.shape and info.shape[-1] == 1
    }
    return {
        name: array.reshape(array.shape[:-1]) if name in columns else array
        for name, array in outputs.items()
    }


def row_count(signature: Signature, arrays: Sequence[np.ndarray]) -> int:
    """Returns the extent of the arrays' first axis; 1 for a signature that is not batched.

    Raises:
      InvalidArgumentError: the arrays have different numbers of rows, or none.
    """
    if not signature.is_batched:
        return 1
    counts = {array.shape[0] if array.ndim else None for array in arrays}
    if len(counts) > 1 or None in counts:
        shapes = {n: list(a.shape) for n, a in zip(signature.inputs, arrays, strict=True)}
        raise InvalidArgumentError(
            f"{signature.name}: the inputs must have one number of rows, the extent of their first axis. Received shapes {shapes}."
        )
    return counts.pop() or 0


def _refuse_names(signature: Signature, named_arrays: Mapping[str, np.ndarray]) -> NoReturn:
    raise InvalidArgumentError(
        f"input size does not match signature: {signature.name} takes {sorted(signature.inputs)}. Received {sorted(named_arrays)}."
    )


def _check(signature: str, name: str, info: TensorInfo, array: np.ndarray) -> None:
    if array.dtype != info.dtype.np:
        raise InvalidArgumentError(
            f"{signature}: the input '{name}' is of type {info.dtype.name}. Received {array.dtype.name}."
        )
    if not fits(array.shape, info.shape):
        shown = [-1 if extent is None else extent for extent in info.shape or ()]
        raise InvalidArgumentError(
            f"{signature}: the input '{name}' has the shape {shown}. Received {list(array.shape)}."
        )


def fits(shape: Sequence[int], expected: Shape) -> bool:
    """True if a tensor of this shape may be passed for an input of the signature."""
    if expected is None:
        return True
    if len(shape) != len(expected):
        return False
    return all(e is None or n == e for n, e in zip(shape, expected, strict=True))
