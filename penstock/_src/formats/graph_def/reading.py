"""Reads frozen graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.core import dtypes
from penstock._src.core.calls.consent import consent_for
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import TensorSpec
from penstock._src.filesystems import files
from penstock._src.formats.model import Model, of_function
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import function
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.proto.graph import GraphDef

_SUFFIX_OF_TEXT = ".pbtxt"


def read(path: str, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Model:
    """Returns the function of a frozen graph.

    Args:
      path: the file.
      inputs: names of placeholders, in the order of the arguments; by default all, in the order of the file.
      outputs: names of nodes or tensors (`node:1`); by default the first outputs of all nodes that no other reads.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is not a GraphDef.
      InvalidArgumentError: it has no such placeholders, or no outputs.
    """
    graph_def = _parsed(path)
    traced = function_of(
        graph_def,
        path,
        {name: name for name in inputs},
        {name.removesuffix(":0"): name for name in outputs},
    )
    return Model(of_function(traced).signatures, None, path, {"nodes": len(graph_def.node)})


def _drop_waits(graph_def: Any, waits: set[str]) -> None:
    """Removes control inputs from a graph: arguments replace placeholders, so nothing waits for these."""
    for node in graph_def.node:
        if waits.intersection(node.input):
            node.input[:] = [text for text in node.input if text not in waits]


def function_of(
    graph_def: Any, path: str, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> ConcreteFunction:
    """Returns the function of a GraphDef without variables.

    Args:
      graph_def: the graph.
      path: where it is from, for messages.
      inputs: placeholders by the names of arguments; if empty, all, in their order.
      outputs: nodes or tensors (`node:1`) by the names of results; if empty, the first outputs of all nodes that no other reads.

    Raises:
      InvalidArgumentError: it has no such placeholders, or no outputs.
    """
    by_node_name = {node.name: node for node in graph_def.node if node.op == "Placeholder"}
    inputs = inputs or {name: name for name in by_node_name}
    places = {key: name.partition(":")[0] for key, name in inputs.items()}
    missing = [name for name in places.values() if name not in by_node_name]
    if missing:
        raise InvalidArgumentError(
            f"{path} has no placeholder {missing[0]!r}; it has {sorted(by_node_name)}."
        )
    _drop_waits(graph_def, {f"^{name}" for name in places.values()})
    specs = [_spec(by_node_name[name], key) for key, name in places.items()]
    outputs = outputs or {name: name for name in _unread(graph_def)}
    consent = consent_for(path, None)
    results = {key: name if ":" in name else f"{name}:0" for key, name in outputs.items()}
    if not results:
        raise InvalidArgumentError(f"{path}: each node is read by another. Name the outputs.")

    def call(*arguments: Any) -> dict[str, Any]:
        mapped = dict(zip(places.values(), arguments, strict=True))
        placeholders = add_graph_def(
            graph_def, mapped, list(results.values()), name="", consent=consent
        )
        return dict(zip(results, placeholders, strict=True))

    return function(call, input_signature=specs, autograph=False).get_concrete_function()


def _parsed(path: str) -> Any:
    contents = files.read(path)
    try:
        if path.endswith(_SUFFIX_OF_TEXT):
            return text_format.Parse(contents.decode(), GraphDef())
        return GraphDef.FromString(contents)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise DataLossError(f"{path} is not a GraphDef: {error}.") from error


def _spec(node: Any, name: str) -> TensorSpec:
    shape = as_shape(node.attr["shape"].shape) if "shape" in node.attr else as_shape(None)
    return TensorSpec(shape, dtypes.as_dtype(node.attr["dtype"].type), name)


def _unread(graph_def: Any) -> list[str]:
    """The names of nodes with outputs that no node reads."""
    read = {text.lstrip("^").partition(":")[0] for node in graph_def.node for text in node.input}
    without = ("NoOp", "Assert", "Placeholder", "Const")
    return [n.name for n in graph_def.node if n.name not in read and n.op not in without]
