"""Losses of a classification."""

from typing import Any

import numpy as np

from penstock._src.core.dtypes import bool_
from penstock._src.formats.tflite.operators import BY_NAME
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation


@writes("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy(graph: GraphWriter, operation: Operation) -> None:
    """The sum of the labels times the logarithms of probabilities; a label of zero counts nothing, whatever its logarithm."""
    logits, labels = operation.inputs
    _check(graph, operation)
    if logits.shape.as_list() != labels.shape.as_list():
        raise graph.unimplemented(operation, f"labels {labels.shape} for logits {logits.shape}")
    _sum(graph, operation, graph.place(labels))


@writes("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy(graph: GraphWriter, operation: Operation) -> None:
    """As with labels that are one at an index; an index that is no class gives NaN."""
    logits, labels = operation.inputs
    _check(graph, operation)
    count = logits.shape[-1]
    if count is None:
        raise graph.unimplemented(operation, f"the unknown shape {logits.shape}")
    numbers = {
        "depth": np.array(count, np.int32),
        "one": np.ones((), logits.dtype.as_numpy_dtype),
        "zero": np.zeros((), logits.dtype.as_numpy_dtype),
    }
    places = [graph.place(labels), *(graph.constant(v, name) for name, v in numbers.items())]
    hot = _emit(graph, operation, "ONE_HOT", places, logits, SCHEMA["OneHotOptions"](axis=-1))
    limits = (("LESS", np.array(count)), ("GREATER_EQUAL", np.array(0)))
    inside = [
        graph.emit(
            name,
            [places[0], graph.constant(limit.astype(labels.dtype.as_numpy_dtype), "limit")],
            bool_,
            labels.shape,
            operation.name,
            BY_NAME[name].default_options(),
        )
        for name, limit in limits
    ]
    options = BY_NAME["LOGICAL_AND"].default_options()
    is_class = graph.emit("LOGICAL_AND", inside, bool_, labels.shape, operation.name, options)
    column = graph.emit(
        "EXPAND_DIMS",
        [is_class, graph.constant(np.array(-1, np.int32), "axis")],
        bool_,
        [*labels.shape.as_list(), 1],
        operation.name,
        SCHEMA["ExpandDimsOptions"](),
    )
    wrong = graph.constant(np.array(np.nan, logits.dtype.as_numpy_dtype), "nan")
    _sum(graph, operation, _emit(graph, operation, "SELECT_V2", [column, hot, wrong], logits))


def _check(graph: GraphWriter, operation: Operation) -> None:
    if graph.readers(operation.outputs[1]):
        raise graph.unimplemented(operation, "the use of its gradient")


def _sum(graph: GraphWriter, operation: Operation, labels: int) -> None:
    logits = operation.inputs[0]
    logarithms = _emit(graph, operation, "LOG_SOFTMAX", [graph.place(logits)], logits)
    surprise = _emit(graph, operation, "NEG", [logarithms], logits)
    zero = graph.constant(np.zeros((), logits.dtype.as_numpy_dtype), "zero")
    options = BY_NAME["EQUAL"].default_options()
    nothing = graph.emit("EQUAL", [labels, zero], bool_, logits.shape, operation.name, options)
    parts = _emit(graph, operation, "MUL", [labels, surprise], logits)
    parts = _emit(graph, operation, "SELECT_V2", [nothing, zero, parts], logits)
    axis = graph.constant(np.array([-1], np.int32), "axis")
    options = SCHEMA["ReducerOptions"](keep_dims=False)
    graph.add("SUM", operation, [parts, axis], options, outputs=[operation.outputs[0]])


def _emit(
    graph: GraphWriter,
    operation: Operation,
    name: str,
    places: list[int],
    like: Any,
    options: Any = None,
) -> int:
    """Adds an operator of the type and shape of a tensor; returns its index."""
    options = options or BY_NAME[name].default_options()
    return graph.emit(name, places, like.dtype, like.shape, operation.name, options)
