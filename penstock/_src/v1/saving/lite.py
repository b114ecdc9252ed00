"""tf.compat.v1.lite: conversion of graphs of TensorFlow 1 to TFLite."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock._src.api.lite import TFLITE, OpsSet, Optimize, TargetSpec
from penstock._src.core import dtypes
from penstock._src.core.calls.consent import (
    Consent,
    consent_for,
    consent_in,
    consent_of_program,
)
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.filesystems.files import exists, read
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.tflite.converter import integers_of, weights_of
from penstock._src.formats.tflite.writing.model import file_of
from penstock._src.formats.tflite.writing.quantizing import Integers
from penstock._src.graph.graph import Graph
from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.proto.graph import GraphDef, NodeDef
from penstock._src.saving.saved_model import constants
from penstock._src.util.export import export
from penstock._src.util.slots import above
from penstock._src.v1.graphs.session import Session
from penstock._src.v1.saving.freezing.constants import (
    convert_variables_to_constants,
    convert_variables_to_constants_v2,
)
from penstock._src.v1.saving.saved_model import load
from penstock._src.v1.saving.wrapped import WrappedFunction, wrap_function

_INTEGERS = (dtypes.int8, dtypes.uint8)
_DEPRECATED = "Property {} is deprecated, please use {} instead."
_KEY = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


@dataclasses.dataclass(frozen=True)
class _Input:
    """An input of the graph: the name of its operation, and its type."""

    name: str
    dtype: DType
    shape: TensorShape


@export(v1=["lite.TFLiteConverter"])
class TFLiteConverter:
    """A graph of TensorFlow 1 to convert to TFLite.

    Args:
      graph_def: a GraphDef without variables.
      input_tensors: tensors that become the model's inputs, with their types and shapes.
      output_tensors: tensors that become its outputs.
      input_arrays_with_shape: pairs of names and shapes of the inputs, where there are no tensors.
      output_arrays: names of the outputs, where there are no tensors.
      experimental_debug_info_func: accepted.

    Attributes:
      optimizations, representative_dataset, target_spec, allow_custom_ops: as of `tf.lite.TFLiteConverter`.
      inference_type: of the model's numbers: float32, int8 or uint8.
      inference_input_type, inference_output_type: those of its inputs and outputs; `inference_type` by default.
      quantized_input_stats: mean and standard deviation of integer inputs by their names: a number q stands for (q - mean) / deviation.
      default_ranges_stats: the least and the largest value that all other tensors are taken to have, for integers without samples.
      output_format, drop_control_dependency, reorder_across_fake_quant, change_concat_input_ranges, dump_graphviz_dir, dump_graphviz_video,
      conversion_summary_dir: accepted.

    >>> with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    ...     x = tf.compat.v1.placeholder(tf.float32, [2], name="x")
    ...     converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, [x], [2.0 * x])
    >>> interpreter = tf.lite.Interpreter(model_content=converter.convert())
    >>> interpreter.get_input_details()[0]["name"]
    'x'
    """

    def __init__(
        self,
        graph_def: Any,
        input_tensors: Sequence[Any] | None,
        output_tensors: Sequence[Any] | None,
        input_arrays_with_shape: Sequence[tuple[str, Any]] | None = None,
        output_arrays: Sequence[str] | None = None,
        experimental_debug_info_func: Any = None,
    ) -> None:
        self._graph_def = graph_def
        self._consent: Consent | None = None  # of the file that the graph is from
        self._inputs: list[_Input] = []
        self._outputs: list[str] = []
        if input_tensors is not None and output_tensors:
            self._inputs = [_Input(t.op.name, t.dtype, t.shape) for t in input_tensors]
            self._outputs = [tensor.op.name for tensor in output_tensors]
        elif input_arrays_with_shape and output_arrays:
            self._inputs = [
                _Input(name, _dtype_of(graph_def, name), TensorShape(shape))
                for name, shape in input_arrays_with_shape
            ]
            self._outputs = list(output_arrays)
        self._model: Any = None  # keeps the variables of a Keras model
        self.optimizations: Any = set()
        self.representative_dataset: Any = None
        self.target_spec = TargetSpec()
        self.allow_custom_ops = False
        self.inference_type: Any = dtypes.float32
        self.inference_input_type: Any = None
        self.inference_output_type: Any = None
        self.quantized_input_stats: Mapping[str, tuple[float, float]] = {}
        self.default_ranges_stats: tuple[float, float] | None = None
        self.output_format = TFLITE
        self.drop_control_dependency = True
        self.reorder_across_fake_quant = self.change_concat_input_ranges = False
        self.dump_graphviz_dir = self.conversion_summary_dir = None
        self.dump_graphviz_video = self.exclude_conversion_metadata = False
        self.experimental_new_converter = self.experimental_new_quantizer = True

    @classmethod
    def from_session(
        cls, sess: Any, input_tensors: Sequence[Any], output_tensors: Sequence[Any]
    ) -> "TFLiteConverter":
        """Returns the converter of a session's graph, with the present values of its variables.

        Args:
          sess: the session.
          input_tensors: tensors of the graph that become inputs.
          output_tensors: tensors of the graph that become outputs.

        Returns:
          A TFLiteConverter.
        """
        names = [tensor.op.name for tensor in output_tensors]
        frozen = convert_variables_to_constants(sess, sess.graph.as_graph_def(), names)
        converter = cls(frozen, input_tensors, output_tensors)
        converter._consent = consent_in(sess.graph)
        return converter

    @classmethod
    def from_frozen_graph(
        cls,
        graph_def_file: Any,
        input_arrays: Sequence[str],
        output_arrays: Sequence[str],
        input_shapes: Mapping[str, Any] | None = None,
    ) -> "TFLiteConverter":
        """Returns the converter of a file with a GraphDef without variables, as bytes or as text.

        Args:
          graph_def_file: the file.
          input_arrays: names of the inputs.
          output_arrays: names of the outputs.
          input_shapes: shapes of inputs by their names; by default those of the graph.

        Returns:
          A TFLiteConverter.

        Raises:
          OSError: the file does not exist, or is not a GraphDef.
          ValueError: the graph has variables, no such tensors, or other shapes.
        """
        graph_def = _read(graph_def_file)
        consent = consent_for(str(graph_def_file), None)
        graph = Graph()
        with graph.as_default():
            add_graph_def(graph_def, name="", consent=consent)
        if any(_is_variable(operation.type) for operation in graph.get_operations()):
            raise ValueError("Please freeze the graph using freeze_graph.py.")
        inputs, outputs = _tensors(graph, input_arrays), _tensors(graph, output_arrays)
        _set_shapes(inputs, input_shapes)
        converter = cls(graph_def, inputs, outputs)
        converter._consent = consent
        return converter

    @classmethod
    def from_saved_model(
        cls,
        saved_model_dir: Any,
        input_arrays: Sequence[str] | None = None,
        input_shapes: Mapping[str, Any] | None = None,
        output_arrays: Sequence[str] | None = None,
        tag_set: Any = None,
        signature_key: str | None = None,
    ) -> "TFLiteConverter":
        """Returns the converter of a signature of a SavedModel.

        Args:
          saved_model_dir: the folder.
          input_arrays: names of tensors that become inputs; by default the signature's, sorted by its keys.
          input_shapes: shapes of inputs by their names; by default those of the graph.
          output_arrays: names of tensors that become outputs; by default the signature's.
          tag_set: selects one of several graphs; by default that for serving.
          signature_key: the name of the signature; by default that for serving.

        Returns:
          A TFLiteConverter.

        Raises:
          OSError: there is no SavedModel.
          RuntimeError: it has no such graph.
          ValueError: it has no such signature or tensors, or other shapes.
        """
        key = signature_key or _KEY
        graph = Graph()
        with graph.as_default(), Session(graph=graph) as session:
            meta_graph = load(session, list(tag_set or [constants.SERVING]), saved_model_dir)
            if key not in meta_graph.signature_def:
                known = ",".join(meta_graph.signature_def)
                raise ValueError(
                    f"No '{key}' in the SavedModel's SignatureDefs. Possible values are '{known}'."
                )
            signature = meta_graph.signature_def[key]
            inputs = _tensors(graph, input_arrays or _names(signature.inputs))
            outputs = _tensors(graph, output_arrays or _names(signature.outputs))
            _set_shapes(inputs, input_shapes)
            return cls.from_session(session, inputs, outputs)

    @classmethod
    def from_keras_model_file(
        cls,
        model_file: Any,
        input_arrays: Sequence[str] | None = None,
        input_shapes: Mapping[str, Any] | None = None,
        output_arrays: Sequence[str] | None = None,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> "TFLiteConverter":
        """Returns the converter of a Keras model's file.

        Args:
          model_file: the file.
          input_arrays, output_arrays: not supported: the model's own are taken.
          input_shapes: shapes of inputs by their names; by default those of the model.
          custom_objects: classes and functions by the names that the file has.

        Returns:
          A TFLiteConverter.

        Raises:
          ValueError: names of inputs or outputs are passed, or other shapes than those of the model.
        """
        if input_arrays or output_arrays:
            raise ValueError(
                "`input_arrays` and `output_arrays` are unsupported with Eager mode. If your model requires any of these "
                "parameters, please use disable_eager_execution()."
            )
        model = above("load_keras_model")(model_file, custom_objects=custom_objects)
        function = convert_variables_to_constants_v2(traced(model, str(model_file)))
        _set_shapes(function.inputs, input_shapes)
        converter = cls(function.graph.as_graph_def(), function.inputs, function.outputs)
        converter._model = model
        return converter

    @property
    def post_training_quantize(self) -> bool:
        """True if weights are quantized; deprecated: use `optimizations`."""
        warnings.warn(
            _DEPRECATED.format("post_training_quantize", "optimizations=[Optimize.DEFAULT]"),
            stacklevel=2,
        )
        return Optimize.DEFAULT in set(self.optimizations)

    @post_training_quantize.setter
    def post_training_quantize(self, value: bool) -> None:
        warnings.warn(
            _DEPRECATED.format("post_training_quantize", "optimizations=[Optimize.DEFAULT]"),
            stacklevel=2,
        )
        self.optimizations = [Optimize.DEFAULT] if value else []

    @property
    def target_ops(self) -> Any:
        """The sets of ops that the model may have; deprecated: use `target_spec.supported_ops`."""
        warnings.warn(_DEPRECATED.format("target_ops", "target_spec.supported_ops"), stacklevel=2)
        return self.target_spec.supported_ops

    @target_ops.setter
    def target_ops(self, value: Any) -> None:
        warnings.warn(_DEPRECATED.format("target_ops", "target_spec.supported_ops"), stacklevel=2)
        self.target_spec.supported_ops = value

    def get_input_arrays(self) -> list[str]:
        """Returns the names of the inputs."""
        return [each.name for each in self._inputs]

    def convert(self) -> bytes:
        """Returns the model in TFLite's format, as `tf.lite.TFLiteConverter.convert` does, but without signatures.

        Returns:
          The file's bytes.

        Raises:
          UnimplementedError: TFLite has no counterpart of an operation, or not for integers.
          ValueError: there are neither tensors nor names of them, or options contradict one another.
          ImportError: flatbuffers is not installed.
        """
        if not self._outputs:
            raise ValueError(
                "If input_tensors and output_tensors are None, both input_arrays_with_shape and "
                "output_arrays|control_output_arrays must be defined."
            )
        integers = self._integers()
        weights = "" if integers is not None else weights_of(self._options(dtypes.float32))
        return self.written(integers, weights)

    def written(self, integers: Integers | None, weights: str = "") -> bytes:
        """Returns the model in TFLite's format.

        Args:
          integers: how it computes with integers, or None.
          weights: how the weights of a model of floats are stored.

        Returns:
          The file's bytes.
        """
        consent = self._consent or consent_of_program()
        function = _function(self._graph_def, self._inputs, self._outputs, consent)
        return file_of(
            {_KEY: function},
            weights,
            integers=integers,
            has_signatures=False,
            tensorflow_ops=OpsSet.SELECT_TF_OPS in self.target_spec.supported_ops,
        )

    def _options(self, inference_type: Any) -> Any:
        """The options that TensorFlow 2's converter has as well."""
        return _Options(
            self.optimizations,
            self.representative_dataset,
            self.target_spec,
            self.inference_input_type or inference_type,
            self.inference_output_type or inference_type,
        )

    def _integers(self) -> Integers | None:
        """The quantization of the model: by samples, or by the given ranges of its inputs and of all other tensors."""
        if self.optimizations and self.representative_dataset is not None:
            return integers_of(self._options(dtypes.float32))
        kinds = [
            dtypes.as_dtype(kind or self.inference_type)
            for kind in (self.inference_type, self.inference_input_type, self.inference_output_type)
        ]
        if kinds[0] not in _INTEGERS and kinds[1] not in _INTEGERS:
            return integers_of(self._options(dtypes.float32))
        ranges = {each.name: self._range(each.name, kinds[1]) for each in self._inputs}
        return Integers(
            None,
            input_type=kinds[1],
            output_type=kinds[2],
            input_ranges=ranges,
            range=self.default_ranges_stats,
        )

    def _range(self, name: str, kind: DType) -> tuple[float, float]:
        """The least and the largest value of an input, by its statistics."""
        if not self.quantized_input_stats:
            input_kind = self.inference_input_type
            raise ValueError(
                "The `quantized_input_stats` flag must be defined when either `inference_type` flag or `inference_input_type` "
                f"flag is set to tf.int8 or tf.uint8. Currently, `inference_type=tf.{dtypes.as_dtype(self.inference_type).name}` and "
                f"`inference_input_type={'tf.' + dtypes.as_dtype(input_kind).name if input_kind else None}`."
            )
        if name not in self.quantized_input_stats:
            raise ValueError(
                f"Quantization input stats are not available for input tensors '{name}'."
            )
        mean, deviation = self.quantized_input_stats[name]
        low, high = (-128, 127) if kind == dtypes.int8 else (0, 255)
        return (low - mean) / deviation, (high - mean) / deviation


@dataclasses.dataclass(frozen=True)
class _Options:
    optimizations: Any
    representative_dataset: Any
    target_spec: Any
    inference_input_type: Any
    inference_output_type: Any


def _function(
    graph_def: Any, inputs: Sequence[_Input], outputs: Sequence[str], consent: Consent | None
) -> WrappedFunction:
    """Returns the function from some operations of a GraphDef to others."""
    by_name = {each.name: each for each in inputs}
    cut = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        cut.node.append(_placeholder(by_name[node.name]) if node.name in by_name else node)
    part = extract_sub_graph(cut, [*outputs, *by_name])
    graph = wrap_function(lambda: add_graph_def(part, name="", consent=consent), [])
    fetches = {name: f"{name}:0" for name in outputs}
    function = graph.prune([f"{each.name}:0" for each in inputs], fetches)
    function.name_inputs(list(by_name))
    return function


def _placeholder(each: _Input) -> Any:
    node = NodeDef(name=each.name, op="Placeholder")
    node.attr["dtype"].type = each.dtype.as_datatype_enum
    node.attr["shape"].shape.CopyFrom(each.shape.as_proto())
    return node


def _read(path: Any) -> Any:
    """Returns the GraphDef of a file.

    Raises:
      OSError: there is none.
    """
    if not exists(path):
        raise OSError(f"File '{path}' does not exist.")
    content = read(path)
    graph_def = GraphDef()
    try:
        graph_def.ParseFromString(content)
    except DecodeError:
        try:
            text_format.Merge(content.decode(), graph_def)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise OSError(f"Unable to parse input file '{path}'.") from error
    return graph_def


def _is_variable(op_type: str) -> bool:
    return op_type.startswith("Variable") or op_type.endswith("VariableOp")


def _dtype_of(graph_def: Any, name: str) -> DType:
    """The type that an operation of a GraphDef gives."""
    (node,) = (node for node in graph_def.node if node.name == name)
    return dtypes.as_dtype(next(node.attr[key].type for key in ("dtype", "T") if key in node.attr))


def _names(tensors: Mapping[str, Any]) -> list[str]:
    """The operations of a signature's tensors, sorted by the signature's keys."""
    return [tensors[key].name.partition(":")[0] for key in sorted(tensors)]


def _tensors(graph: Graph, names: Sequence[str]) -> list[Any]:
    known = {operation.name: operation for operation in graph.get_operations()}
    missing = [name for name in names if name not in known or not known[name].outputs]
    if missing:
        raise ValueError(f"Invalid tensors '{','.join(missing)}' were found.")
    return [known[name].outputs[0] for name in names]


def _set_shapes(tensors: Sequence[Any], shapes: Mapping[str, Any] | None) -> None:
    by_name = {tensor.op.name: tensor for tensor in tensors}
    for name, shape in (shapes or {}).items():
        if name not in by_name:
            raise ValueError(f"Invalid tensor '{name}' found in tensor shapes map.")
        if shape is None:
            continue
        try:
            by_name[name].set_shape(shape)
        except ValueError as error:
            raise ValueError(
                f"The shape of tensor '{name}' cannot be changed from {by_name[name].shape} to {shape}. {error}"
            ) from error


@export(v1=["lite.TocoConverter"])
class TocoConverter:
    """The older name of `tf.compat.v1.lite.TFLiteConverter`, for its class methods alone."""

    from_session = TFLiteConverter.from_session
    from_frozen_graph = TFLiteConverter.from_frozen_graph
    from_saved_model = TFLiteConverter.from_saved_model
    from_keras_model_file = TFLiteConverter.from_keras_model_file


@export(v1=["lite.toco_convert"])
def toco_convert(
    input_data: Any,
    input_tensors: Sequence[Any],
    output_tensors: Sequence[Any],
    *args: Any,
    **kwargs: Any,
) -> bytes:
    """Returns a GraphDef without variables in TFLite's format.

    Args:
      input_data: the GraphDef.
      input_tensors: tensors that become inputs, with their types and shapes.
      output_tensors: tensors that become outputs.
      *args: `inference_type`.
      **kwargs: attributes of `TFLiteConverter`, but `quantized_input_stats` as a list of pairs in the order of the inputs.

    Returns:
      The file's bytes.
    """
    converter = TFLiteConverter(input_data, input_tensors, output_tensors)
    for name, value in {**dict(zip(["inference_type"], args, strict=False)), **kwargs}.items():
        if name == "quantized_input_stats" and value:
            value = dict(zip(converter.get_input_arrays(), value, strict=True))
        setattr(converter, name, value)
    return converter.convert()
