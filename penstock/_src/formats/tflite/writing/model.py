"""Files of TFLite from functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.filesystems.whole import write_whole
from penstock._src.formats.frozen import FrozenFunction, assigned_variables, freeze, rewrite
from penstock._src.formats.model import Model
from penstock._src.formats.tflite.schema import SCHEMA, encode_model
from penstock._src.formats.tflite.writing import ops
from penstock._src.formats.tflite.writing.calibration import given_ranges, ranges_of, trained_ranges
from penstock._src.formats.tflite.writing.graph import FileWriter, GraphWriter
from penstock._src.formats.tflite.writing.quantizing import Integers, Quantizer, name_verifications
from penstock._src.formats.tflite.writing.state import fill_once
from penstock._src.formats.tflite.writing.tensorflow_ops import append_tensorflow_op
from penstock._src.formats.tflite.writing.validation import validated
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.passes.integer_products import as_float_products

_SCHEMA_VERSION = 3


def write(model: Model, path: str, quantize: str = "") -> None:
    """Writes a model as a TFLite file; it appears whole or not at all.

    Args:
      model: its signatures become the file's.
      path: the file.
      quantize: how large weights are stored: "float16", "int8" (with float activations), or as they are.

    Raises:
      UnimplementedError: TFLite has no counterpart of an operation.
      ImportError: flatbuffers is not installed.
    """
    write_whole(path, file_of(model.signatures, quantize))


def file_of(
    signatures: Mapping[str, ConcreteFunction],
    weights: str = "",
    metadata: Mapping[str, bytes] | None = None,
    integers: Integers | None = None,
    has_signatures: bool = True,
    calls: Mapping[str, str] | None = None,
    tensorflow_ops: bool = False,
    trained: bool = True,
) -> bytes:
    """Returns the bytes of a TFLite file.

    Args:
      signatures: functions by name, a graph each.
      weights: see `write`.
      metadata: bytes by name.
      integers: computes with integers, whose scales samples give.
      has_signatures: False: the file has graphs alone, as those that TensorFlow 1 converts.
      calls: the call of each signature in a SavedModel's graph. Inputs are named after the signature and outputs after the call, as TensorFlow does;
        by default inputs have the names of arguments, and outputs those of operations.
      tensorflow_ops: operations that TFLite has no builtin ops for are written as TensorFlow's, for runtimes that have these.
      trained: instead of storing weights as int8, a model computes with integers by the ranges that training left, if these are
        enough for all weights.

    Raises:
      UnimplementedError: TFLite has no counterpart of an operation.
      InternalError: what was written is not a valid file.
      ImportError: flatbuffers is not installed.
    """
    if weights not in ("", "float16", "int8"):
        raise InvalidArgumentError(
            f"TFLite: weights are stored as float16 or int8, not {weights!r}."
        )
    ops.load()
    file = FileWriter(len(signatures), append_tensorflow_op if tensorflow_ops else None)
    assigned = assigned_variables(signatures.values())
    frozen = {
        name: rewrite(freeze(f, name, True, assigned), as_float_products)
        for name, f in signatures.items()
    }
    resources = {id(each): each for function in frozen.values() for each in function.held}
    if resources:
        fill_once(GraphWriter(file), resources.values())
    trained = trained and weights == "int8" and integers is None and _is_trained(frozen)
    if trained:
        weights, integers = "", Integers(None)
    graphs = [_pruned(GraphWriter(file, weights).write(each)) for each in frozen.values()]
    file.bodies = [_pruned(graph) for graph in file.bodies]
    if integers is not None:
        if len(frozen) != 1:
            raise UnimplementedError("TFLite: samples for several signatures are not implemented.")
        if integers.samples is None:
            ranges = given_ranges(graphs[0], integers.input_ranges, integers.range)
        else:
            floats = encode_model(_model(file, graphs, frozen, {}))
            ranges = ranges_of(floats, integers.samples, next(iter(frozen)))
        ranges.update(trained_ranges(file, graphs[0]))
        quantizer = Quantizer(file, graphs[0], ranges, integers)
        quantizer.run(integers.input_type, integers.output_type)
        if trained and quantizer.has_float_weights():
            return file_of(
                signatures, "int8", metadata, None, has_signatures, calls, tensorflow_ops, False
            )
        graphs = [_pruned(graphs[0], quantizer.verifications)]
        name_verifications(file, graphs[0])
        _drop_unused_buffers(file, graphs)
    for graph, (name, each) in zip(graphs, frozen.items(), strict=True):
        if calls is not None:
            _name_ends(graph, each, name, calls[name])
    for graph in (*graphs, *file.bodies):
        _name_apart(graph)
    model = _model(file, graphs, frozen, metadata or {})
    if not has_signatures:
        model.signature_defs = []
    return validated(encode_model(model))


def _is_trained(functions: Mapping[str, FrozenFunction]) -> bool:
    """True if a function states ranges of its tensors, as training for integers leaves them."""
    kinds = {operation.type for each in functions.values() for operation in each.operations}
    names = ("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs")
    return len(functions) == 1 and not kinds.isdisjoint(names)


def _model(
    file: FileWriter,
    graphs: Sequence[Any],
    frozen: Mapping[str, FrozenFunction],
    metadata: Mapping[str, bytes],
) -> Any:
    """The record `Model`."""
    records = [
        SCHEMA["SignatureDef"](
            signature_key=name,
            subgraph_index=i,
            inputs=_named(each.inputs, graph.inputs),
            outputs=_named(each.outputs, graph.outputs),
        )
        for i, (graph, (name, each)) in enumerate(zip(graphs, frozen.items(), strict=True))
    ]
    entries = [
        SCHEMA["Metadata"](name=name, buffer=file.buffer(data)) for name, data in metadata.items()
    ]
    return SCHEMA["Model"](
        version=_SCHEMA_VERSION,
        description="Penstock",
        operator_codes=file.codes,
        subgraphs=[*graphs, *file.bodies],
        buffers=file.buffers,
        signature_defs=records,
        metadata=entries,
    )


def _name_ends(graph: Any, function: FrozenFunction, signature: str, call: str) -> None:
    """Names the inputs and outputs of a signature's graph as those of a SavedModel's graph."""
    for name, place in zip(function.inputs, graph.inputs, strict=True):
        graph.tensors[place].name = f"{signature}_{name}:0"
    order = sorted(function.outputs)
    for name, place in zip(function.outputs, graph.outputs, strict=True):
        graph.tensors[place].name = f"{call}:{order.index(name)}"


def _name_apart(graph: Any) -> None:
    """Numbers the names of tensors that are equal, inputs and outputs first: OpenVINO finds tensors by name."""
    taken: dict[str, int] = {}
    for place in dict.fromkeys((*graph.inputs, *graph.outputs, *range(len(graph.tensors)))):
        tensor = graph.tensors[place]
        name = tensor.name
        while tensor.name in taken:
            taken[name] += 1
            tensor.name = f"{name}{taken[name]}"
        taken[tensor.name] = 0


def _drop_unused_buffers(file: FileWriter, graphs: Sequence[Any]) -> None:
    """Removes floats that were replaced by integers."""
    tensors = [tensor for graph in (*graphs, *file.bodies) for tensor in graph.tensors]
    used = sorted({0, *(tensor.buffer for tensor in tensors)})
    moved = {old: new for new, old in enumerate(used)}
    kept = FileWriter()
    for old in used[1:]:
        kept.buffer(file.buffers[old].data)
    for tensor in tensors:
        tensor.buffer = moved[tensor.buffer]
    kept.codes = file.codes
    file.buffers = kept.buffers


def _named(names: Mapping[str, Any], places: list[int]) -> list[Any]:
    return [
        SCHEMA["TensorMap"](name=name, tensor_index=place)
        for name, place in zip(names, places, strict=True)
    ]


def _pruned(graph: Any, others: Iterable[int] = ()) -> Any:
    """A graph without operators and tensors that neither its outputs nor its state nor other tensors need."""
    needed = {*graph.outputs, *others}
    kept = []
    for operator in reversed(graph.operators):
        if not operator.outputs or needed.intersection(operator.outputs):
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
