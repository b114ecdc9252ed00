"""A call as data: the name of a raw op or public function and its arguments, in a form that JSON can hold.

    {"op": "Gather", "inputs": [{"tensor": "float32", "shape": [3], "values": [1.0, 2.0, 3.0]}, ...], "attrs": {"axis": 0}}
    {"function": "math.add", "arguments": {"x": ..., "y": ...}}

Plain numbers, texts, None and lists stand for themselves. TensorFlow's process reads this file as well, so it imports nothing of
Penstock.
"""

import math
from typing import Any

import numpy as np

# Types that NumPy lacks, made by a cast, and quantized ones, made of the bits of an integer.
CAST = {"bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz",
        "float8_e5m2fnuz", "int4", "uint4", "int2", "uint2", "half"}  # fmt: skip
BITS = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}


def tensor(array: Any, dtype: str) -> dict[str, Any]:
    """A tensor as data; `array` is a NumPy array."""
    if array.dtype.kind == "O":
        values = [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in array.ravel()]
    elif array.dtype.kind == "c":
        values = [[float(v.real), float(v.imag)] for v in array.ravel()]
    elif array.dtype.kind in "biu":
        values = [v.item() for v in array.ravel()]
    else:
        values = [float(v) for v in array.ravel()]
    return {"tensor": dtype, "shape": list(array.shape), "values": values}


def array_of(value: dict[str, Any]) -> np.ndarray:
    """The NumPy array of a tensor as data: its values, repeated to fill the shape."""
    dtype, shape, values = value["tensor"], value["shape"], value["values"]
    count = math.prod(shape)
    if dtype == "string":
        items = [
            v.encode("latin-1") if isinstance(v, str) else str(v).encode() for v in values
        ] or [b""]
        found = np.empty(count, object)
        for at in range(count):
            found[at] = items[at % len(items)]
        return found.reshape(shape)
    if dtype.startswith("complex"):
        values = [complex(*v) if isinstance(v, list) else v for v in values]
    kind = "float32" if dtype in CAST else BITS.get(dtype, dtype)
    with np.errstate(all="ignore"):
        flat = np.array(values or [0], kind)
        return np.resize(flat, count).reshape(shape)


def argument(tf: Any, value: Any, resources: Any) -> Any:
    """The Python object of an argument as data, for the TensorFlow or Penstock `tf`."""
    if isinstance(value, list):
        return [argument(tf, v, resources) for v in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        dtype = value["tensor"]
        if dtype in CAST:
            return tf.cast(tf.constant(array_of(value)), dtype)
        if dtype in BITS:
            return tf.bitcast(tf.constant(array_of(value)), tf.as_dtype(dtype))
        return tf.constant(array_of(value), dtype)
    if "array" in value:
        return array_of({**value, "tensor": value["array"]})
    if "dtype" in value:
        return tf.as_dtype(value["dtype"])
    if "shape_of" in value:
        return tf.TensorShape(value["shape_of"])
    if "bytes" in value:
        return value["bytes"].encode("latin-1")
    if "resource" in value:
        return resources.make(tf, value["resource"])
    if "tuple" in value:
        return tuple(argument(tf, v, resources) for v in value["tuple"])
    return {key: argument(tf, v, resources) for key, v in value.items()}


def name_of(call: dict[str, Any]) -> str:
    """The op or function that is called."""
    return call.get("op") or call["function"]


def slots(call: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The places of a call's arguments: (list or dict, key)."""
    if "op" in call:
        return [(call["inputs"], at) for at in range(len(call["inputs"]))] + [
            (call["attrs"], name) for name in call["attrs"]
        ]
    return [(call["arguments"], name) for name in call["arguments"]]


def target(tf: Any, call: dict[str, Any]) -> Any:
    """The function that is called."""
    if "op" in call:
        return getattr(tf.raw_ops, call["op"])
    found = tf
    for part in call["function"].split("."):
        found = getattr(found, part)
    return found


def bound(tf: Any, call: dict[str, Any], resources: Any, names: list[str]) -> dict[str, Any]:
    """The keyword arguments of a call; `names` are of the inputs of a raw op."""
    if "op" in call:
        given = dict(zip(names, call["inputs"])) | call["attrs"]
    else:
        given = call["arguments"]
    return {name: argument(tf, value, resources) for name, value in given.items()}


def flat(result: Any) -> list[Any]:
    """What a call returned, lists and dictionaries spread out."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return [one for part in result for one in flat(part)]
    return [] if result is None else [result]


def host_values(result: Any) -> list[Any]:
    """The tensors of a result as arrays (narrow types as float32), numbers as they are; None for anything else."""
    found: list[Any] = []
    for one in flat(result):
        if isinstance(one, bool | int | float | str | bytes | np.ndarray | np.generic):
            found.append(np.asarray(one))
        elif (
            hasattr(one, "numpy")
            and hasattr(one, "dtype")
            and one.dtype.name not in ("resource", "variant")
        ):
            array = np.asarray(one.numpy())
            found.append(array if array.dtype.kind in "biufcOSU" else array.astype(np.float32))
        else:
            found.append(None)
    return found
