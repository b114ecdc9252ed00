"""The weights of a model: a manifest in `model.json`, and files of their bytes one after the other."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError

# The largest file that browsers keep in their caches.
SHARD = 4 << 20
# Dtypes of weights by their names in manifests, and conversions of others.
TYPES: Mapping[str, Any] = {
    "float32": np.float32,
    "int32": np.int32,
    "uint8": np.uint8,
    "bool": np.bool_,
    "complex64": np.complex64,
}
_NARROWED = {"float64": "float32", "float16": "float32", "bfloat16": "float32", "int64": "int32"}
_NARROWED |= {"int16": "int32", "int8": "int32", "uint16": "int32", "complex128": "complex64"}
# Storage of weights: names of the types, and the number of steps between the least and the greatest value.
_HALF = 65504.0
QUANTIZATIONS = {"float16": 0, "uint8": 255, "uint16": 65535}


def stored(name: str, value: np.ndarray, quantize: str = "") -> tuple[dict[str, Any], bytes]:
    """Returns the manifest's entry of a weight, and its bytes.

    Args:
      name: of the weight.
      value: the array; strings are bytes.
      quantize: how floats are stored; empty: as they are. So stay also arrays with numbers that it does not hold, such as
        the masks of attentions.

    Raises:
      InvalidArgumentError: integers do not fit into 32 bits.
    """
    entry = {"name": name, "shape": list(value.shape)}
    if value.dtype == object:
        parts = [struct.pack("<I", len(text)) + text for text in value.ravel().tolist()]
        return {**entry, "dtype": "string"}, b"".join(parts)
    kind = _NARROWED.get(value.dtype.name, value.dtype.name)
    if kind not in TYPES:
        raise InvalidArgumentError(f"Weight {name!r}: TensorFlow.js has no type {kind}.")
    narrow = value.astype(TYPES[kind])
    if kind == "int32" and not np.array_equal(narrow, value):
        raise InvalidArgumentError(f"Weight {name!r}: its integers do not fit into 32 bits.")
    entry["dtype"] = kind
    if not quantize or kind != "float32" or not _holds(quantize, narrow):
        return entry, narrow.tobytes()
    codes, scale = _quantized(narrow, quantize)
    return {**entry, "quantization": scale}, codes.tobytes()


def _holds(quantize: str, value: np.ndarray) -> bool:
    """True if a quantization can represent all numbers: it cannot for infinities, NaN, and values too large for float16."""
    greatest = np.abs(value).max(initial=0)
    return bool(np.isfinite(greatest) and (quantize != "float16" or greatest <= _HALF))


def _quantized(value: np.ndarray, quantize: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Returns codes and how to read them. Zero, if it is between the least and greatest number, stays exact."""
    steps = QUANTIZATIONS[quantize]
    facts: dict[str, Any] = {"dtype": quantize, "original_dtype": "float32"}
    if not steps:
        return value.astype(np.float16), facts
    low, high = (float(value.min()), float(value.max())) if value.size else (0.0, 0.0)
    scale = (high - low) / steps or 1.0
    if low <= 0 <= high:
        low = -round(-low / scale) * scale
    codes = np.clip(np.round((value.astype(np.float64) - low) / scale), 0, steps)
    return codes.astype(np.dtype(quantize)), {**facts, "min": low, "scale": scale}


def shards(parts: Sequence[bytes], size: int = SHARD) -> dict[str, bytes]:
    """Returns the files of weights by their names.

    Args:
      parts: the bytes of each weight, in the manifest's order.
      size: of a file, at most, in bytes.
    """
    joined = b"".join(parts)
    count = max(1, math.ceil(len(joined) / size))
    return {
        f"group1-shard{at + 1}of{count}.bin": joined[at * size : (at + 1) * size]
        for at in range(count)
    }


def restored(
    manifest: Sequence[Any], files: Mapping[str, bytes], path: str
) -> dict[str, np.ndarray]:
    """Returns the weights by name.

    Args:
      manifest: of `model.json`: groups of weights, each with the paths of its files.
      files: contents by path.
      path: of `model.json`, for messages.

    Raises:
      DataLossError: files are too short, or entries are damaged.
    """
    weights = {}
    for group in manifest:
        data, at = b"".join(files[name] for name in group["paths"]), 0
        for entry in group["weights"]:
            try:
                value, at = _restored(entry, data, at)
            except (KeyError, TypeError, ValueError, struct.error, OverflowError) as error:
                name = entry.get("name") if isinstance(entry, dict) else entry
                raise DataLossError(
                    f"{path}: weight {name!r} cannot be read from {', '.join(group['paths'])} at byte {at}: {error}."
                ) from error
            weights[entry["name"]] = value
    return weights


def _restored(entry: Mapping[str, Any], data: bytes, at: int) -> tuple[np.ndarray, int]:
    shape = [int(n) for n in entry["shape"]]
    size = math.prod(shape)
    if any(n < 0 for n in shape) or size > len(data) + 1:
        raise ValueError(f"{len(data)} bytes do not hold the shape {shape}")
    if entry["dtype"] == "string":
        return _strings(shape, size, data, at)
    facts = entry.get("quantization") or {}
    kind = np.dtype(facts.get("dtype", TYPES[entry["dtype"]]))
    if kind.hasobject or len(data) - at < size * kind.itemsize:
        raise ValueError(f"{size * kind.itemsize} bytes are needed, {len(data) - at} are left")
    value = np.frombuffer(data, kind, size, at).reshape(shape)
    at += size * kind.itemsize
    if facts and "scale" in facts:
        value = value * float(facts["scale"]) + float(facts["min"])  # in float64: zero stays zero
    return np.asarray(value, TYPES[entry["dtype"]]), at


def _strings(shape: list[int], size: int, data: bytes, at: int) -> tuple[np.ndarray, int]:
    texts = np.empty(size, object)
    for position in range(size):
        (length,) = struct.unpack_from("<I", data, at)
        if length > len(data) - at - 4:
            raise ValueError(f"a string of {length} bytes, {len(data) - at - 4} are left")
        texts[position] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return texts.reshape(shape), at
