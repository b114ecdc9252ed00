"""Plain values as bytes: numbers, texts, bytes, arrays, and lists, tuples, sets and dictionaries of them. Reading them runs no code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

SEQUENCES = {"list": list, "tuple": tuple, "set": set}


def encode(value: Any) -> bytes | None:
    """Returns a value as bytes; None if it is not plain."""
    blobs: list[bytes] = []
    try:
        text = json.dumps(_written(value, blobs)).encode()
    except TypeError:
        return None
    sizes = np.array([len(text), *map(len, blobs)], np.int64)
    return b"".join([np.int64(len(sizes)).tobytes(), sizes.tobytes(), text, *blobs])


def decode(data: bytes) -> Any:
    """Returns the value that `encode` has written."""
    count = int(np.frombuffer(data, np.int64, 1)[0])
    sizes = np.frombuffer(data, np.int64, count, 8)
    ends = 8 * (1 + count) + np.cumsum(sizes)
    parts = [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return _read(json.loads(parts[0]), parts[1:])


def _written(value: Any, blobs: list[bytes]) -> Any:
    """The value as JSON: scalars as they are, others as the name of their kind and what is in them."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, bytes):
        blobs.append(value)
        return ["bytes", len(blobs) - 1]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "OMm":
        blobs.append(np.asarray(value, order="C").tobytes())
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return [kind, value.dtype.str if value.dtype.kind in "SU" else value.dtype.name, value.shape, len(blobs) - 1]  # fmt: skip
    if type(value) is dict:
        return ["dict", [[_written(k, blobs), _written(v, blobs)] for k, v in value.items()]]
    for name, kind in SEQUENCES.items():
        if type(value) is kind:
            return [name, [_written(x, blobs) for x in value]]
    raise TypeError(f"{type(value).__name__} is not plain.")


def _read(told: Any, blobs: list[bytes]) -> Any:
    if not isinstance(told, list):
        return told
    kind, inside, *more = told
    if kind == "bytes":
        return blobs[inside]
    if kind in ("array", "scalar"):
        shape, index = more
        array = np.frombuffer(blobs[index], np.dtype(inside)).reshape(shape).copy()
        return array if kind == "array" else array[()]
    if kind == "dict":
        return {_read(k, blobs): _read(v, blobs) for k, v in inside}
    return SEQUENCES[kind](_read(x, blobs) for x in inside)
