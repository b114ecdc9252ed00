"""An ONNX file as a Model: `read`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.core import dtypes
from penstock._src.core.calls.loading_limits import check_calls
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    OpError,
    UnimplementedError,
)
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.variable import Variable
from penstock._src.filesystems import files
from penstock._src.formats.model import Model, of_function
from penstock._src.formats.onnx.arrays import array_of
from penstock._src.formats.onnx.element_types import element_type, shape_of
from penstock._src.formats.onnx.reading.registry import load_readers
from penstock._src.formats.onnx.reading.rows import reader_of
from penstock._src.formats.onnx.reading.translation import Translation, with_inner
from penstock._src.formats.onnx.reading.values import ListValue
from penstock._src.formats.onnx.schema import ModelProto
from penstock._src.function.function import function


class Weights(AutoTrackable):
    """The variables of a model that was read to be trained.

    Attributes:
      weights: variables by the names of the initializers that they were.
    """

    def __init__(self, weights: dict[str, Any]) -> None:
        self.weights = weights


def read(path: str, trainable: bool = False, constants: Mapping[str, Any] | None = None) -> Model:
    """Returns the function of an ONNX model.

    Args:
      path: the file; files of external data are found beside it.
      trainable: make weights variables, which `model.root.weights` has by name, not constants. Weights are the
        initializers of floats with one or more dimensions that are not settings of an operator.
      constants: values for inputs of the graph, which are then no inputs of the function. Some operators need sizes or axes
        that are known before the model runs.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is not an ONNX model, or tensors have too little data.
      InvalidArgumentError: the graph is invalid; the message names the node.
      UnimplementedError: an operator is not supported; the message names it.
    """
    contents = files.read(path)
    try:
        proto = ModelProto.FromString(contents)
    except DecodeError as error:
        raise DataLossError(f"{path} is not an ONNX model: {error}.") from error
    try:
        return read_proto(proto, trainable, constants, path)
    except OpError as error:
        raise type(error)(f"{path}: {error.message}") from error


def read_proto(
    proto: Any,
    trainable: bool = False,
    constants: Mapping[str, Any] | None = None,
    path: str = "",
) -> Model:
    """Returns the function of a ModelProto; as `read`, whose messages then name the file."""
    load_readers()
    if not proto.HasField("graph") or not proto.opset_import:
        raise DataLossError("this is not an ONNX model: it has no graph or no operator set.")
    graph = proto.graph
    versions = {o.domain: o.version for o in proto.opset_import}
    functions = {(f.domain, f.name, f.overload): f for f in proto.functions}
    check_calls(_calls(graph, functions), [None], lambda key: repr(key[1]))
    weights = _weights(graph, path) if trainable else {}
    translation = Translation(path, versions, functions, weights)
    fixed = dict(constants or {})
    unknown = set(fixed) - {name for name, _ in _inputs(graph)}
    if unknown:
        raise InvalidArgumentError(f"the graph has no input '{min(unknown)}'.")
    wanted = [(name, info) for name, info in _inputs(graph) if name not in fixed]
    specs = [_spec(name, info.type) for name, info in wanted]
    names = [info.name for info in graph.output]
    if len(set(names)) < len(names) or not names:
        raise InvalidArgumentError(f"outputs must have names of their own. Received: {names}")

    def call(*arguments: Any) -> dict[str, Any]:
        inputs = {name: convert_to_tensor(value) for name, value in fixed.items()}
        for (name, info), tensor in zip(wanted, arguments, strict=True):
            inputs[name] = _input_value(info, tensor)
        results = translation.main(graph, inputs)
        return dict(zip(names, map(_output_tensor, results), strict=True))

    traced = function(call, input_signature=specs, autograph=False).get_concrete_function()
    # Names of TensorFlow's own exporter, such as "x:0", are not valid for operations, but can be keywords.
    traced._arguments = [name for name, _ in wanted]
    root = Weights(weights) if trainable else None
    details = {
        "producer": f"{proto.producer_name} {proto.producer_version}".strip(),
        "opset": ", ".join(f"{d or 'ai.onnx'} {v}" for d, v in sorted(versions.items())),
        "nodes": len(graph.node),
    }
    return Model(of_function(traced, root).signatures, root, path, details)


def _calls(graph: Any, functions: Mapping[Any, Any]) -> dict[Any, tuple[int, list[Any]]]:
    """The nodes of the graph (None) and of each function: how many, and the functions that they call."""
    found = {}
    for key, holder in ((None, graph), *functions.items()):
        nodes = list(with_inner(holder.node))
        keys = ((n.domain, n.op_type, n.overload) for n in nodes)
        found[key] = len(nodes), [key for key in keys if key in functions]
    return found


def _inputs(graph: Any) -> list[tuple[str, Any]]:
    """The inputs that are not initializers, by name."""
    initialized = {t.name for t in graph.initializer} | {
        s.values.name for s in graph.sparse_initializer
    }
    initializers = [(info.name, info) for info in graph.input if info.name not in initialized]
    if len({name for name, _ in initializers}) < len(initializers):
        raise InvalidArgumentError("two inputs have the same name.")
    return initializers


def _spec(name: str, kind: Any) -> TensorSpec:
    which = kind.WhichOneof("value")
    if which == "optional_type":
        return _spec(name, kind.optional_type.elem_type)
    if which == "sequence_type":
        return TensorSpec([], dtypes.variant, name)
    if which != "tensor_type":
        raise UnimplementedError(f"the input '{name}' of type {which} is not supported.")
    return TensorSpec(
        shape_of(kind.tensor_type), element_type(kind.tensor_type.elem_type).dtype, name
    )


def _input_value(info: Any, tensor: Any) -> Any:
    kind = info.type
    if kind.WhichOneof("value") == "optional_type":
        kind = kind.optional_type.elem_type
    if kind.WhichOneof("value") == "sequence_type":
        items = kind.sequence_type.elem_type.tensor_type.elem_type
        return ListValue(None, tensor, element_type(items).dtype)
    return tensor


def _output_tensor(value: Any) -> Any:
    if isinstance(value, ListValue):
        return value.as_handle()
    if isinstance(value, Tensor):
        return value
    raise UnimplementedError("an optional value as an output of the model is not supported.")


def _weights(graph: Any, path: str) -> dict[str, Variable]:
    """A variable for each initializer that training may change."""
    read_as_weight = {name for name in _read_as_weights(graph.node)}
    weights = {}
    for proto in graph.initializer:
        if not proto.dims or proto.name not in read_as_weight:
            continue
        if element_type(proto.data_type).dtype.is_floating:
            value = array_of(proto, path)
            weights[proto.name] = Variable(value, name=proto.name, trainable=True)
    return weights


def _read_as_weights(nodes: Sequence[Any]) -> Iterator[str]:
    """The names of values that nodes, and those of their subgraphs, read as data."""
    for node in nodes:
        reader = reader_of("" if node.domain == "ai.onnx" else node.domain, node.op_type)
        settings = reader.settings if reader is not None else ()
        yield from (name for i, name in enumerate(node.input) if i not in settings)
        for attribute in node.attribute:
            yield from _read_as_weights(attribute.g.node)
