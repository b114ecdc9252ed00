"""Reads frozen graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import TensorSpec
from penstock._src.filesystems import files
from penstock._src.formats.model import Model, of_function
from penstock._src.function.function import function
from penstock._src.graph.serialize.importer import add_graph_def
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
      DataLossError: it is no GraphDef.
      InvalidArgumentError: it has no such placeholders, or no outputs.
    """
    graph_def = _parsed(path)
    placeholders = {node.name: node for node in graph_def.node if node.op == "Placeholder"}
    missing = [name for name in inputs if name not in placeholders]
    if missing:
        raise InvalidArgumentError(
            f"{path} has no placeholder {missing[0]!r}; it has {sorted(placeholders)}."
        )
    specs = [_spec(placeholders[name]) for name in inputs or placeholders]
    results = {name.removesuffix(":0"): _tensor(name) for name in outputs or _unread(graph_def)}
    if not results:
        raise InvalidArgumentError(f"{path}: each node is read by another. Name the outputs.")

    def call(*given: Any) -> dict[str, Any]:
        mapped = {str(spec.name): tensor for spec, tensor in zip(specs, given, strict=True)}
        made = add_graph_def(graph_def, mapped, list(results.values()), name="")
        return dict(zip(results, made, strict=True))

    traced = function(call, input_signature=specs, autograph=False).get_concrete_function()
    return Model(of_function(traced).signatures, None, path, {"nodes": len(graph_def.node)})


def _parsed(path: str) -> Any:
    contents = files.read(path)
    try:
        if path.endswith(_SUFFIX_OF_TEXT):
            return text_format.Parse(contents.decode(), GraphDef())
        return GraphDef.FromString(contents)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise DataLossError(f"{path} is no GraphDef: {error}.") from error


def _spec(node: Any) -> TensorSpec:
    shape = as_shape(node.attr["shape"].shape) if "shape" in node.attr else as_shape(None)
    return TensorSpec(shape, dtypes.as_dtype(node.attr["dtype"].type), node.name)


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _unread(graph_def: Any) -> list[str]:
    """The names of nodes with outputs that no node reads."""
    read = {text.lstrip("^").partition(":")[0] for node in graph_def.node for text in node.input}
    without = ("NoOp", "Assert", "Placeholder", "Const")
    return [n.name for n in graph_def.node if n.name not in read and n.op not in without]
