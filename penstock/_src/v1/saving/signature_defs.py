"""SignatureDefs of tf.compat.v1: the input and output tensors of a call."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.api.printing import make_tensor_proto
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.filesystems.files import make_folders
from penstock._src.filesystems.whole import written_whole
from penstock._src.function import structured_values
from penstock._src.graph.static_values import get_static_value
from penstock._src.proto.saved import SignatureDef, StructuredValue
from penstock._src.proto.tensor import TensorProto
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.files import parse
from penstock._src.saving.saved_model.writing.tensor_infos import info_of
from penstock._src.util import nest
from penstock._src.util.export import export


def _public(group: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that makes a function public in `tf.compat.v1.saved_model`, and in a module below it."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        return export(v1=[f"saved_model.{name}", f"saved_model.{group}.{name}"])(function)

    return register


@_public("utils")
def build_tensor_info(tensor: Any) -> Any:
    """Returns the TensorInfo of a tensor, a SparseTensor or another composite of a graph.

    Raises:
      RuntimeError: executing eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError(
            "`build_tensor_info` is not supported in eager execution mode. Use it in a graph."
        )
    return info_of(tensor)


@_public("utils")
def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Any = None, import_scope: str | None = None
) -> Any:
    """Returns the tensor of a TensorInfo.

    Args:
      tensor_info: the message.
      graph: by default the current one.
      import_scope: the scope into which the graph was imported.
    """
    graph = graph or STATE.graph

    def named(name: str) -> Any:
        full_name = f"{import_scope}/{name}" if import_scope else name
        return graph.as_graph_element(full_name)

    kind = tensor_info.WhichOneof("encoding")
    if kind == "name":
        return named(tensor_info.name)
    if kind == "coo_sparse":
        parts = tensor_info.coo_sparse
        return SparseTensor(
            named(parts.indices_tensor_name),
            named(parts.values_tensor_name),
            named(parts.dense_shape_tensor_name),
        )
    if kind == "composite_tensor":
        spec = structured_values.decode(
            StructuredValue(type_spec_value=tensor_info.composite_tensor.type_spec)
        )
        components = [
            get_tensor_from_tensor_info(part, graph, import_scope)
            for part in tensor_info.composite_tensor.components
        ]
        return nest.pack_sequence_as(spec, components, expand_composites=True)
    raise ValueError(
        f"Invalid TensorInfo.encoding: {kind}. Expected `coo_sparse`, `composite_tensor`, or `name` for a dense tensor."
    )


@_public("signature_def_utils")
def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Returns a SignatureDef.

    Args:
      inputs: TensorInfos by the names of arguments.
      outputs: TensorInfos by the names of results.
      method_name: the kind of call.
      defaults: TensorProtos, or tensors whose values are known, by the names of optional arguments.

    Raises:
      ValueError: the value of a tensor is not known.
    """
    signature = SignatureDef(method_name=method_name or "")
    for name, info in (inputs or {}).items():
        signature.inputs[name].CopyFrom(info)
    for name, info in (outputs or {}).items():
        signature.outputs[name].CopyFrom(info)
    for name, value in (defaults or {}).items():
        signature.defaults[name].CopyFrom(_default(name, value))
    return signature


def _default(name: str, value: Any) -> Any:
    """The TensorProto of an optional argument."""
    if isinstance(value, TensorProto):
        return value
    known = get_static_value(value)
    if known is None:
        raise ValueError(f"The default of {name!r} must have a known value. Received: {value}")
    return make_tensor_proto(known, dtype=value.dtype)


@_public("signature_def_utils")
def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """Returns the SignatureDef of a prediction: tensors by name to tensors by name."""
    for name, tensors in (("inputs", inputs), ("outputs", outputs)):
        if not tensors:
            raise ValueError(f"Prediction `{name}` cannot be None or empty.")
    return build_signature_def(
        {name: build_tensor_info(tensor) for name, tensor in inputs.items()},
        {name: build_tensor_info(tensor) for name, tensor in outputs.items()},
        constants.PREDICT_METHOD_NAME,
    )


def _info(tensor: Any, dtype: dtypes.DType, what: str) -> Any:
    info = build_tensor_info(convert_to_tensor(tensor))
    if info.dtype != dtype.as_datatype_enum:
        raise ValueError(
            f"{what} tensors must be of type {dtype.name}. Found tensors with type {info.dtype}."
        )
    return info


@_public("signature_def_utils")
def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """Returns the SignatureDef of a regression.

    Args:
      examples: a tensor of serialized Examples.
      predictions: a float tensor.
    """
    for name, tensor in (("examples", examples), ("predictions", predictions)):
        if tensor is None:
            raise ValueError(f"Regression `{name}` cannot be None.")
    return build_signature_def(
        {constants.REGRESS_INPUTS: _info(examples, dtypes.string, "Regression input")},
        {constants.REGRESS_OUTPUTS: _info(predictions, dtypes.float32, "Regression output")},
        constants.REGRESS_METHOD_NAME,
    )


@_public("signature_def_utils")
def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """Returns the SignatureDef of a classification.

    Args:
      examples: a tensor of serialized Examples.
      classes: a string tensor, or None.
      scores: a float tensor, or None.
    """
    if examples is None:
        raise ValueError("Classification `examples` cannot be None.")
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    outputs = {}
    if classes is not None:
        outputs[constants.CLASSIFY_OUTPUT_CLASSES] = _info(
            classes, dtypes.string, "Classification classes"
        )
    if scores is not None:
        outputs[constants.CLASSIFY_OUTPUT_SCORES] = _info(
            scores, dtypes.float32, "Classification scores"
        )
    inputs = {constants.CLASSIFY_INPUTS: _info(examples, dtypes.string, "Classification input")}
    return build_signature_def(inputs, outputs, constants.CLASSIFY_METHOD_NAME)


@_public("signature_def_utils")
def is_valid_signature(signature_def: Any) -> bool:
    """True if a SignatureDef can be served: its inputs and outputs match its method."""
    if signature_def is None:
        return False
    ins, outs = signature_def.inputs, signature_def.outputs
    method = signature_def.method_name
    if method == constants.PREDICT_METHOD_NAME:
        return bool(ins) and bool(outs)
    texts, floats = dtypes.string.as_datatype_enum, dtypes.float32.as_datatype_enum
    if method == constants.REGRESS_METHOD_NAME:
        return _are(ins, {constants.REGRESS_INPUTS: texts}) and _are(
            outs, {constants.REGRESS_OUTPUTS: floats}
        )
    if method == constants.CLASSIFY_METHOD_NAME:
        allowed = {
            constants.CLASSIFY_OUTPUT_CLASSES: texts,
            constants.CLASSIFY_OUTPUT_SCORES: floats,
        }
        expected = {name: allowed[name] for name in outs if name in allowed}
        return _are(ins, {constants.CLASSIFY_INPUTS: texts}) and bool(outs) and _are(outs, expected)
    return False


def _are(infos: Mapping[str, Any], expected: dict[str, int]) -> bool:
    return {name: info.dtype for name, info in infos.items()} == expected


@export(v1=["saved_model.signature_def_utils.MethodNameUpdater"])
class MethodNameUpdater:
    """Changes the method names of the signatures of a SavedModel.

    Args:
      export_dir: the folder.
    """

    def __init__(self, export_dir: Any) -> None:
        self._export_dir = os.fsdecode(export_dir)
        self._saved_model = parse(self._export_dir)

    def replace_method_name(self, signature_key: str, method_name: str, tags: Any = None) -> None:
        """Sets the method name of a signature.

        Args:
          signature_key: the name of the signature.
          method_name: the new one.
          tags: the tags of the graphs to change; by default all graphs.

        Raises:
          ValueError: no graph has the tags or the signature.
        """
        if not signature_key:
            raise ValueError("`signature_key` must be defined.")
        if not method_name:
            raise ValueError("`method_name` must be defined.")
        wanted = {tags} if isinstance(tags, str) else tags and set(tags)
        graphs = [
            meta
            for meta in self._saved_model.meta_graphs
            if wanted is None or set(meta.meta_info_def.tags) == wanted
        ]
        if not graphs:
            raise ValueError(
                f"MetaGraphDef associated with tags {sorted(wanted or ())} could not be found in SavedModel: none of its "
                "graphs has these tags."
            )
        matching = [meta for meta in graphs if signature_key in meta.signature_def]
        if len(matching) < len(graphs):
            raise ValueError(
                f"MetaGraphDef associated with tags {tags} does not have a signature_def with key: '{signature_key}'. "
                "The key may be misspelled, or the SavedModel was saved without this signature."
            )
        for meta in matching:
            meta.signature_def[signature_key].method_name = method_name

    def save(self, new_export_dir: Any = None) -> None:
        """Writes only the message of the SavedModel, into another folder if one is given."""
        folder = self._export_dir if new_export_dir is None else os.fsdecode(new_export_dir)
        make_folders(folder)
        with written_whole(os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)) as file:
            file.write(self._saved_model.SerializeToString())
