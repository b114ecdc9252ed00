"""The recorded calls, as functions of arrays. `tf` is Penstock, or TensorFlow where `penstock` stands for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import penstock as tf
from tests.conformance import record
from tests.conformance.calling import call as call_op
from tests.golden import corpus

# What these return or take is not a tensor of a graph, or says what a graph knows, or they draw numbers: eager ones have a sequence of their own.
NOT_TRACED = ("data.", "random.", "io.", "test.", "summary.", "config.", "distribute.", "debugging.", "train.", "nest.",
              "saved_model.", "queue.", "get_static_value", "Variable", "compat.", "experimental.numpy.random")  # fmt: skip
STATEFUL = ("Random", "Multinomial", "Stateful", "ParameterizedTruncatedNormal")
# Arrays of these must fit each other, or it is not said what they give: the maxima those of the inputs.
FITTING = ("MaxPoolGrad", "MaxPool3DGrad")
# Of the argument from whose extent numbers are computed, where they are the recorded ones.
EXTENT = 40


@dataclasses.dataclass(frozen=True)
class Call:
    """A recorded call: a function of tensors, and the arrays that it was recorded for.

    has_gradients  whether the gradients by the arrays of floats are computed too
    numbers        how many integers its other arguments have
    has_free_sizes  whether its arrays may be cut and continued
    """

    name: str
    function: Callable[[list[Any], Callable[[int], Any]], Any]
    arrays: list[np.ndarray]
    has_gradients: bool
    numbers: int = 0
    has_free_sizes: bool = True

    def __call__(self, tensors: list[Any], number: int = -1) -> list[Any]:
        """The tensors that it gives; the number of this position comes from the extent of the last tensor."""
        given, count = list(tensors), iter(range(1 << 20))
        extent = None if number < 0 else tf.shape(given.pop())[0] - EXTENT

        def changed(value: int) -> Any:
            return value + extent if next(count) == number else value

        if not self.has_gradients:
            return flat(self.function(given, changed))
        floats = [t for t in given if t.dtype.name in corpus.FLOATING]
        with tf.GradientTape() as tape:
            for tensor in floats:
                tape.watch(tensor)
            results = flat(self.function(given, changed))
            smooth = [t for t in results if t.dtype.name in corpus.FLOATING]
        found = tape.gradient(smooth, floats, unconnected_gradients="zero")
        return results + [
            tf.convert_to_tensor(g) for g in found
        ]  # rows of a known shape are slices


def flat(result: Any) -> list[Any]:
    """The tensors in a result, those of sparse and ragged ones among them."""
    found = tf.nest.flatten(result, expand_composites=True)
    return [tf.convert_to_tensor(t) for t in found if hasattr(t, "dtype") and hasattr(t, "shape")]


class Substituting(corpus.Decoder):
    """Takes tensors for arguments from a list, or notes their arrays; passes integers to a function."""

    def __init__(self, given: list[Any] | None, changed: Callable[[int], Any]) -> None:
        super().__init__()
        self.arrays: list[np.ndarray] = []
        self.given = None if given is None else iter(given)
        self.changed = changed

    def value(self, encoded: Any) -> Any:
        if type(encoded) is int:
            return self.changed(encoded)
        if isinstance(encoded, dict) and "t" in encoded and "s" in encoded:
            if self.given is not None:
                return next(self.given)
            self.arrays.append(corpus.array(encoded))
        return super().value(encoded)


def golden_calls() -> Iterator[Call]:
    """The calls of tests/golden that succeed and are no programs."""
    for case in corpus.cases():
        if "src" in case or case.get("err") or case["sym"].startswith(NOT_TRACED):
            continue
        numbers: list[int] = []
        decoder = Substituting(None, lambda value, numbers=numbers: numbers.append(value) or value)
        decode(decoder, case)
        kept = [a for a in decoder.arrays if a is not None]
        yield Call(case["id"], golden(case), kept, bool(case.get("g")), len(numbers))


def golden(case: corpus.Case) -> Callable[..., Any]:
    """The function of a case."""

    def run(tensors: list[Any], changed: Callable[[int], Any]) -> Any:
        args, kwargs = decode(Substituting(tensors, changed), case)
        return corpus.find(case["sym"])(*args, **kwargs)

    return run


def decode(decoder: corpus.Decoder, case: corpus.Case) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a case."""
    args = decoder.value(case.get("args", []))
    return args, {name: decoder.value(value) for name, value in case.get("kw", {}).items()}


def conformance_calls() -> Iterator[Call]:
    """The calls of ops of tests/conformance that have no variables and draw nothing."""
    entries, store = record.load(record.TARGET)
    for i, entry in enumerate(entries):
        if "variables" in entry or any(word in entry["op"] for word in STATEFUL):
            continue
        inputs = [record.array_at(store, name) for name in entry["inputs"]]
        arrays = [a for each in inputs for a in (each if isinstance(each, list) else [each])]
        yield Call(
            f"{entry['op']}/{i}",
            conformance(entry, inputs),
            arrays,
            any(entry["gradients"]),
            has_free_sizes=not entry["op"].startswith(FITTING),
        )


def conformance(entry: dict[str, Any], inputs: list[Any]) -> Callable[..., Any]:
    """The function of a recorded call of an op."""

    def run(tensors: list[Any], changed: Callable[[int], Any]) -> Any:
        given = iter(tensors)
        values = [[next(given) for _ in i] if isinstance(i, list) else next(given) for i in inputs]
        return call_op(tf, entry["op"], values, entry["attrs"])

    return run
