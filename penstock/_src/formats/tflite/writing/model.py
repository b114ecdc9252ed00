"""Files of TFLite from functions."""

from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems.whole import write_whole
from penstock._src.formats.frozen import freeze
from penstock._src.formats.model import Model
from penstock._src.formats.tflite.schema import SCHEMA, encode_model
from penstock._src.formats.tflite.writing import ops
from penstock._src.formats.tflite.writing.graph import FileWriter, GraphWriter
from penstock._src.function.concrete import ConcreteFunction

_SCHEMA_VERSION = 3


def write(model: Model, path: str, weights: str = "") -> None:
    """Writes a model as a TFLite file; it appears whole or not at all.

    Args:
      model: its signatures become the file's.
      path: the file.
      weights: how large weights are stored: "float16", "int8" (with float activations), or as they are.

    Raises:
      UnimplementedError: TFLite has no counterpart of an operation.
      ImportError: flatbuffers is not installed.
    """
    write_whole(path, file_of(model.signatures, weights))


def file_of(
    signatures: Mapping[str, ConcreteFunction],
    weights: str = "",
    metadata: Mapping[str, bytes] | None = None,
) -> bytes:
    """Returns the bytes of a TFLite file.

    Args:
      signatures: functions by name, a graph each.
      weights: see `write`.
      metadata: bytes by name.

    Raises:
      UnimplementedError: TFLite has no counterpart of an operation.
      ImportError: flatbuffers is not installed.
    """
    if weights not in ("", "float16", "int8"):
        raise InvalidArgumentError(
            f"TFLite: weights are stored as float16 or int8, not {weights!r}."
        )
    ops.load()
    file = FileWriter()
    graphs, records = [], []
    for i, (name, function) in enumerate(signatures.items()):
        frozen = freeze(function, name, folds_scales=True)
        graph = _pruned(GraphWriter(file, frozen, weights).write())
        graphs.append(graph)
        records.append(
            SCHEMA["SignatureDef"](
                signature_key=name,
                subgraph_index=i,
                inputs=_named(frozen.inputs, graph.inputs),
                outputs=_named(frozen.outputs, graph.outputs),
            )
        )
    entries = [
        SCHEMA["Metadata"](name=name, buffer=file.buffer(data))
        for name, data in (metadata or {}).items()
    ]
    return encode_model(
        SCHEMA["Model"](
            version=_SCHEMA_VERSION,
            description="Penstock",
            operator_codes=file.codes,
            subgraphs=graphs,
            buffers=file.buffers,
            signature_defs=records,
            metadata=entries,
        )
    )


def _named(names: Mapping[str, Any], places: list[int]) -> list[Any]:
    return [
        SCHEMA["TensorMap"](name=name, tensor_index=place)
        for name, place in zip(names, places, strict=True)
    ]


def _pruned(graph: Any) -> Any:
    """A graph without operators and tensors that its outputs do not need."""
    needed = set(graph.outputs)
    kept = []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            kept.append(operator)
            needed.update(operator.inputs)
    graph.operators = kept[::-1]
    needed.update(graph.inputs, *(operator.outputs for operator in kept))
    order = [place for place in range(len(graph.tensors)) if place in needed]
    moved = {old: new for new, old in enumerate(order)} | {-1: -1}
    graph.tensors = [graph.tensors[place] for place in order]
    for operator in graph.operators:
        operator.inputs = [moved[place] for place in operator.inputs]
        operator.outputs = [moved[place] for place in operator.outputs]
    graph.inputs = [moved[place] for place in graph.inputs]
    graph.outputs = [moved[place] for place in graph.outputs]
    return graph
