"""What a case is: a call of a raw op, or a function, under the number of its advisory. For Penstock and for TensorFlow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

QUANTIZED = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}


@dataclass(frozen=True)
class Quantized:
    """A tensor of a quantized type: its integers and its name."""

    array: Any
    dtype: str


@dataclass(frozen=True)
class Case:
    """An input of an advisory.

    Args:
      cve: the number of the advisory.
      op: the name of the raw op, or what `run` calls.
      arguments: of the raw op: arrays are tensors, the rest attributes.
      run: a function of the module with TensorFlow's API, instead of the raw op.
    """

    cve: str
    op: str
    arguments: dict[str, Any] = field(default_factory=dict)
    run: Callable[[Any], Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.cve} {self.op}"


def raw(cve: str, op: str, **arguments: Any) -> Case:
    """A call of a raw op."""
    return Case(cve, op, arguments)


def calls(cve: str, op: str, run: Callable[[Any], Any]) -> Case:
    """A call of a function of the API."""
    return Case(cve, op, run=run)


def f32(*shape: int, value: float = 1.0) -> Any:
    """A float tensor of a shape."""
    return np.full(shape, value, np.float32)


def floats(values: Any) -> Any:
    return np.array(values, np.float32)


def i32(values: Any) -> Any:
    return np.array(values, np.int32)


def i64(values: Any) -> Any:
    return np.array(values, np.int64)


def none(*shape: int, dtype: Any = np.float32) -> Any:
    """A tensor without elements: one of the extents is 0."""
    return np.zeros(shape, dtype)


def text(values: Any) -> Any:
    """A tensor of strings."""
    return np.array(values, object)


def quantized(values: Any, dtype: str) -> Quantized:
    return Quantized(np.asarray(values, QUANTIZED[dtype]), dtype)


def tensor(tf: Any, value: Any) -> Any:
    """The tensor of an argument, the list of tensors of a list of arrays, or the attribute as it is."""
    if isinstance(value, Quantized):
        return tf.bitcast(tf.constant(value.array), getattr(tf, value.dtype))
    if isinstance(value, list) and value and isinstance(value[0], np.ndarray | Quantized):
        return [tensor(tf, part) for part in value]
    return tf.constant(value) if isinstance(value, np.ndarray) else value


def call(tf: Any, case: Case, in_function: bool) -> Any:
    """Makes the call, eagerly or within a tf.function whose tensors are not known when it is traced."""
    if case.run is not None:
        return tf.function(lambda: case.run(tf), autograph=False)() if in_function else case.run(tf)
    op = getattr(tf.raw_ops, case.op)
    given = {name: tensor(tf, value) for name, value in case.arguments.items()}
    tensors = {name: value for name, value in given.items() if _has_tensors(tf, value)}
    others = {name: value for name, value in given.items() if name not in tensors}
    if not in_function:
        return op(**tensors, **others)
    return tf.function(lambda **inputs: op(**inputs, **others), autograph=False)(**tensors)


def _has_tensors(tf: Any, value: Any) -> bool:
    return tf.is_tensor(value) or (isinstance(value, list) and any(map(tf.is_tensor, value)))
