"""Resources, variants and functions for the arguments of ops: those of `tests/fuzz/calls`, and others that lead to files."""

from __future__ import annotations

from typing import Any

import penstock as tf
from penstock._src.core.registry import raw
from tests.fuzz.calls import resources

# Kinds by parts of the names of arguments, the first that fits.
_BY_NAME = {
    "reader": ("reader", "file_reader"),
    "queue": ("queue", "queue_of_paths"),
    "writer": ("writer",),
    "table": ("table", "mutable_table", "dense_table"),
    "cache": ("cache",),
    "seed_generator": ("seeds",),
    "dataset": ("dataset", "dataset_of_strings", "dataset_of_vectors"),
    "iterator": ("iterator",),
    "optional": ("optional",),
    "mutex": ("mutex",),
    "accumulator": ("accumulator",),
    "model_handle": ("forest",),
    "var": ("variable", "vector", "scalar"),
    "compressed": ("compressed",),
}
ALL = (*resources.KINDS, "file_reader", "queue_of_paths", "cache", "compressed", "forest")


def kinds_of(argument: Any) -> tuple[str, ...]:
    """Returns the kinds that an argument of an op may have, by its name."""
    return next((kinds for part, kinds in _BY_NAME.items() if part in argument.name), ALL)


class Kinds:
    """Makes arguments by their kinds.

    Args:
      path: of a file, for what leads to one.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def make(self, module: Any, kind: str) -> Any:
        """Returns a new resource or variant; called by `tests/fuzz/calls/call.py`."""
        own = getattr(self, f"_{kind}", None)
        return resources.make(module, kind) if own is None else own()

    def _file_reader(self) -> Any:
        return raw.WholeFileReaderV2(shared_name=resources._fresh("reader"))

    def _queue_of_paths(self) -> Any:
        name = resources._fresh("queue")
        queue = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]], shared_name=name)
        raw.QueueEnqueueV2(handle=queue, components=[tf.constant(self._path)])
        return queue

    def _cache(self) -> Any:
        return raw.AnonymousMemoryCache().handle

    def _compressed(self) -> Any:
        return raw.CompressElement(components=[tf.constant(1)])

    def _forest(self) -> Any:
        return raw.SimpleMLCreateModelResource(shared_name=resources._fresh("forest"))


# The types of the arguments of functions, which give the last one, or a number.
FUNCTIONS: dict[str, list[Any]] = {
    "of nothing": [],
    "of a number": [tf.int64],
    "of two numbers": [tf.int64, tf.int64],
    "of a text": [tf.string],
    "of a dataset": [tf.variant],
}
_traced: dict[str, Any] = {}


def function(kind: str) -> Any:
    """Returns a function of the kind, which operations may hold."""
    if kind not in _traced:
        specs = [tf.TensorSpec([], dtype) for dtype in FUNCTIONS[kind]]

        @tf.function(input_signature=specs, autograph=False)
        def last(*arguments: Any) -> Any:
            return tf.identity(arguments[-1]) if arguments else tf.constant(0, tf.int64)

        _traced[kind] = last.get_concrete_function()
    return _traced[kind]
