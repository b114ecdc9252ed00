"""Runs a call in an imported graph, and iterates over what it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.core.calls.binding import bind
from penstock._src.core.calls.consent import Consent, guarded
from penstock._src.core.calls.deadlines import deadline
from penstock._src.core.dispatch import building
from penstock._src.core.op import group_arguments
from penstock._src.core.registry import find, raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.exporter import graph_def
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.ops.data.pipeline import Pipeline, Run
from tests.fuzz.calls import call as calls
from tests.fuzz.consent.kinds import Kinds, function
from tests.fuzz.consent.watching import Ended

MILLISECONDS = 400
WAITING = 20  # of ops that wait for other threads
ELEMENTS = 3


def arguments_of(call: Any, kinds: Kinds) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Returns the inputs of a call as tensors, in lists where the op takes lists, these flat as host values, and the attributes."""
    inputs = [calls.argument(tf, value, kinds) for value in call["inputs"]]
    tensors = [_tensors(value) for value in inputs]
    attrs = {name: _attribute(value, kinds) for name, value in call["attrs"].items()}
    return tensors, [tensor._value for tensor in tf.nest.flatten(tensors)], attrs


def _attribute(value: Any, kinds: Kinds) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "function" in value[0]:
        return [function(each["function"]) for each in value]
    if isinstance(value, dict) and "function" in value:
        return function(value["function"])
    return calls.argument(tf, value, kinds)


def _tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [tf.convert_to_tensor(each) for each in value]
    return tf.convert_to_tensor(value)


def imported(
    op: str, tensors: list[Any], attrs: dict[str, Any], consent: Consent, constant: bool
) -> GraphFunction:
    """Returns the function of one operation, written into a GraphDef and imported with the permissions of `consent`.

    Args:
      op: its type.
      tensors: its inputs.
      attrs: its attributes.
      consent: the permissions.
      constant: whether strings are constants of the graph.
    """
    graph = FuncGraph("call")
    with building(graph):
        inner = tf.nest.map_structure(lambda t: _placed(graph, t, constant), tensors)
        names = [argument.name for argument in find(op).inputs]
        before = len(graph._operations)
        getattr(raw, op)(**dict(zip(names, inner, strict=True)), **attrs)
        own = graph._operations[before:]
        outputs = [f"{each.name}:{at}" for each in own for at in range(len(each._outputs))]
    placed = [tensor.op.name for tensor in tf.nest.flatten(inner)]
    again = FuncGraph("imported")
    with building(again):
        flat = tf.nest.flatten(tensors)
        again.inputs = [again.placeholder(t.dtype, t.shape, f"in{at}") for at, t in enumerate(flat)]
        mapped = {}
        for name, tensor, outer in zip(placed, again.inputs, flat, strict=True):
            if not (constant and outer.dtype == tf.string):
                mapped[f"{name}:0"] = tensor
        again.outputs = add_graph_def(graph_def(graph), mapped, outputs, "", consent=consent)
    again.control_outputs = [each for each in again._operations if each.type == op]
    return GraphFunction(again, why_host="kernels are called one by one")


def called(op: str, tensors: list[Any], attrs: dict[str, Any], consent: Consent) -> list[Any]:
    """Returns the results of an op's kernel, whatever its shape rule says."""
    cls = find(op)
    flat, bound = bind(cls, tuple(tensors), dict(attrs), in_graph=False)
    own = guarded(cls, "node", consent).instance(bound.attrs)
    values = group_arguments(cls.inputs, own, [tensor._value for tensor in flat])
    return list(tf.nest.flatten(own.eager(*values, *["node"] * cls.host_kernel.takes_name)))


def _placed(graph: FuncGraph, tensor: Any, constant: bool) -> Any:
    if constant and tensor.dtype == tf.string:
        return graph.constant(tensor._value, tensor.dtype, None)
    return graph.placeholder(tensor.dtype, tensor.shape, graph.unique_name("in"))


def outcome_of(run: Callable[[], Any], milliseconds: int = MILLISECONDS) -> tuple[str, Any]:
    """Returns "done" and the result, or the class of the error and None."""
    with deadline(milliseconds):
        try:
            return "done", run()
        except Ended as ended:
            return f"ended by {ended}", None
        except BaseException as error:  # whatever a call raises, only what it touches matters
            if isinstance(error, KeyboardInterrupt):
                raise
            return type(error).__name__, None


def holds(value: Any, text: bytes, depth: int = 0) -> bool:
    """True if a result holds a text; the first elements of datasets are results, too."""
    if isinstance(value, Pipeline):
        return depth < 3 and any(holds(each, text, depth + 1) for each in _elements(value))
    if isinstance(value, np.ndarray):
        value = list(value.ravel()) if value.dtype == object else value.tobytes()
    if isinstance(value, list | tuple):
        return any(holds(each, text, depth) for each in value)
    return isinstance(value, bytes) and text in value


def _elements(dataset: Pipeline) -> list[Any]:
    run, taken = Run(dataset.options()), []
    try:
        iterator = dataset.iterate(run)
        for element, _ in zip(iterator, range(ELEMENTS), strict=False):
            taken.append(element)
    finally:
        run.close()
    return taken
