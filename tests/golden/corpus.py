"""Recorded calls of TensorFlow 2.21 (cases.jsonl.gz, data.npz), decoded and made on Penstock.

A case calls the symbol `sym` with `args` and `kw`, or runs the program `src`, which leaves its result in `out`. It holds
what TensorFlow gave: `out`, `g` (gradients of the sum of all floating results by the floating arguments), or `err`, a
class of the exception. Values are encoded as {kind: content}; a tensor is {"t": dtype, "s": shape} with its elements in
"v", or from position "r" of the array of that dtype in data.npz (bfloat16 by its bits).
"""

from __future__ import annotations

import gzip
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import penstock as tf

HERE = pathlib.Path(__file__).parent
FLOATING = {"float16", "bfloat16", "float32", "float64", "complex64", "complex128", "half"}
Case = dict[str, Any]


def cases() -> list[Case]:
    """All cases, in the order of recording."""
    lines = gzip.decompress((HERE / "cases.jsonl.gz").read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines]


STORES = dict(np.load(HERE / "data.npz"))


def find(path: str) -> Any:
    """The public symbol of a dotted path."""
    found = tf
    for part in path.split("."):
        found = getattr(found, part)
    return found


def array(encoded: Case) -> np.ndarray:
    """The NumPy array of an encoded tensor."""
    dtype, shape = encoded["t"], encoded["s"]
    if dtype == "string":
        strings = np.empty(len(encoded["v"]), object)
        strings[:] = [text.encode("latin1") for text in encoded["v"]]
        return strings.reshape(shape)
    as_numpy = tf.as_dtype(dtype).as_numpy_dtype
    if "v" in encoded:
        return np.array(encoded["v"], as_numpy).reshape(shape)
    start = encoded["r"]
    values = STORES[dtype][start : start + int(np.prod(shape))].reshape(shape)
    return values.astype(np.uint16).view(as_numpy) if dtype == "bfloat16" else values.copy()


class Decoder:
    """Makes values of encoded ones and keeps the floating tensors among them in `watched`."""

    def __init__(self) -> None:
        self.watched: list[Any] = []
        self.kinds: dict[str, Callable[[Any], Any]] = {
            "n": array,
            "dt": lambda name: getattr(tf, name),
            "tup": lambda items: tuple(map(self.value, items)),
            "dict": lambda items: {name: self.value(item) for name, item in items.items()},
            "f": float,
            "c": lambda parts: complex(*parts),
            "b": lambda text: text.encode("latin1"),
            "py": lambda source: eval(source, {"tf": tf, "np": np}),
            "sym": find,
            "sh": tf.TensorShape,
            "spec": lambda parts: tf.TensorSpec(parts[0], getattr(tf, parts[1])),
            "sl": lambda bounds: slice(*bounds),
            "sp": self.sparse,
            "rt": self.ragged,
            "isl": lambda parts: tf.IndexedSlices(*[Decoder().value(part) for part in parts]),
        }

    def value(self, encoded: Any) -> Any:
        """The value of an encoded argument."""
        if isinstance(encoded, list):
            return [self.value(item) for item in encoded]
        if not isinstance(encoded, dict):
            return encoded
        if "t" in encoded and "s" in encoded:
            return self.watch(self.tensor(encoded))
        if "call" in encoded:
            return self.call(encoded["call"], encoded.get("a", []), encoded.get("k", {}))
        ((kind, content),) = encoded.items()
        return self.kinds[kind](content)

    def call(self, symbol: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What a symbol gives for encoded arguments."""
        return find(symbol)(*self.value(args), **{k: self.value(v) for k, v in kwargs.items()})

    def tensor(self, encoded: Case) -> Any:
        """A constant."""
        values = array(encoded)
        given = values.tolist() if encoded["t"] == "string" else values
        return tf.constant(given, getattr(tf, encoded["t"]), encoded["s"])

    def watch(self, tensor: Any) -> Any:
        """The tensor, noted if gradients by it may be wanted."""
        if tensor.dtype.name in FLOATING:
            self.watched.append(tensor)
        return tensor

    def sparse(self, parts: list[Case]) -> Any:
        """A SparseTensor; only its values are watched."""
        indices, values, shape = (self.tensor(part) for part in parts)
        return tf.SparseTensor(indices, self.watch(values), shape)

    def ragged(self, parts: list[Any]) -> Any:
        """A RaggedTensor of flat values and row splits, the outer ones first."""
        value = self.value(parts[0])
        for splits in reversed(parts[1]):
            value = tf.RaggedTensor.from_row_splits(value, self.tensor(splits))
        return value


def run(case: Case, folder: pathlib.Path) -> tuple[Any, list[Any] | None]:
    """The result of a case and its gradients, or None where none are recorded."""
    if "src" in case:
        return run_program(case, folder), None
    decoder = Decoder()
    args = decoder.value(case.get("args", []))
    kwargs = {name: decoder.value(value) for name, value in case.get("kw", {}).items()}
    if case.get("g") is None or case.get("err"):
        return find(case["sym"])(*args, **kwargs), None
    with tf.GradientTape() as tape:
        for tensor in decoder.watched:
            tape.watch(tensor)
        out = find(case["sym"])(*args, **kwargs)
        total = sum_of(out)
    return out, tape.gradient(total, decoder.watched)


def run_in_function(case: Case) -> Any:
    """The result of a case that is a call, made while a function is traced."""
    decoder = Decoder()
    args = decoder.value(case.get("args", []))
    kwargs = {name: decoder.value(value) for name, value in case.get("kw", {}).items()}
    return tf.function(lambda: find(case["sym"])(*args, **kwargs), autograph=False)()


def run_program(case: Case, folder: pathlib.Path) -> Any:
    """What a program leaves in `out`. It stands in a file, so that AutoGraph can read it, beside a folder for its own files."""
    own = folder / case["id"].replace("/", "_").replace(".", "_")
    own.mkdir()
    file = own.with_suffix(".py")
    file.write_text(case["src"])
    names = {"tf": tf, "np": np, "__name__": "golden_case", "TMP": str(own)}
    exec(compile(case["src"], str(file), "exec", dont_inherit=True), names)
    return names["out"]


def sum_of(out: Any) -> Any:
    """The sum of all floating results as float64, of complex ones their real part."""
    total = None
    for tensor in tensors(out):
        if tensor.dtype.name in FLOATING:
            part = tf.reduce_sum(tensor)
            part = tf.cast(tf.math.real(part) if part.dtype.is_complex else part, tf.float64)
            total = part if total is None else total + part
    return total


def tensors(value: Any) -> list[Any]:
    """The tensors in a result; of sparse and ragged ones their values."""
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors(item)]
    if isinstance(value, dict):
        return [tensor for key in sorted(value) for tensor in tensors(value[key])]
    if isinstance(value, tf.SparseTensor):
        return [value.values]
    if isinstance(value, tf.RaggedTensor):
        return [value.flat_values]
    return [value] if hasattr(value, "dtype") and hasattr(value, "numpy") else []
