"""tf.lite.TFLiteConverter."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.api.lite import OpsSet, TargetSpec
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.tflite.writing.model import file_of
from penstock._src.formats.tflite.writing.quantizing import Integers
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.saving.saved_model.load import load
from penstock._src.saving.saved_model.objects import SavedChildren
from penstock._src.saving.saved_model.signatures import canonical, wrapped
from penstock._src.util.export import export


@export("lite.TFLiteConverter", v1=[])
class TFLiteConverter:
    """A model to convert to TFLite.

    Args:
      funcs: concrete functions.
      trackable_obj: the object that holds their variables.

    Attributes:
      optimizations, representative_dataset, target_spec, allow_custom_ops,
      inference_input_type, inference_output_type: how to convert.

    >>> double = tf.function(lambda x: 2.0 * x)
    >>> function = double.get_concrete_function(tf.TensorSpec([3], tf.float32, name="x"))
    >>> converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    >>> interpreter = tf.lite.Interpreter(model_content=converter.convert())
    >>> interpreter.get_signature_runner()(x=tf.constant([1.0, 2.0, 3.0]))["output_0"]
    array([2., 4., 6.], dtype=float32)
    """

    def __init__(self, funcs: Sequence[Any], trackable_obj: Any = None) -> None:
        self._funcs, self._trackable_obj = funcs, trackable_obj
        self._keys: list[str] = []
        self._saved: Mapping[str, ConcreteFunction] = {}
        self.optimizations: Any = set()
        self.representative_dataset: Any = None
        self.target_spec = TargetSpec()
        self.allow_custom_ops = False
        self.inference_input_type = self.inference_output_type = dtypes.float32
        self.experimental_new_converter = self.experimental_new_quantizer = True
        self.experimental_enable_resource_variables = True
        self.exclude_conversion_metadata = False
        self.unfold_batchmatmul = self.legalize_custom_tensor_list_ops = False

    @classmethod
    def from_concrete_functions(
        cls, funcs: Sequence[Any], trackable_obj: Any = None
    ) -> "TFLiteConverter":
        """Returns the converter of concrete functions.

        Args:
          funcs: a list of concrete functions.
          trackable_obj: the object that holds their variables.

        Returns:
          A TFLiteConverter.

        Raises:
          ValueError: something else is given.
        """
        for function in funcs:
            if not isinstance(function, ConcreteFunction):
                message = "This function takes in a list of ConcreteFunction."
                if hasattr(function, "get_concrete_function"):
                    message += (
                        " To get the ConcreteFunction from a Function, call get_concrete_function."
                    )
                raise ValueError(message)
        return cls(funcs, trackable_obj)

    @classmethod
    def from_saved_model(
        cls, saved_model_dir: Any, signature_keys: Any = None, tags: Any = None
    ) -> "TFLiteConverter":
        """Returns the converter of signatures of a SavedModel, of all by default.

        Args:
          saved_model_dir: the folder.
          signature_keys: the names of signatures; by default all.
          tags: select one of several programs; by default the only one.

        Returns:
          A TFLiteConverter.

        Raises:
          OSError: there is no SavedModel.
          ValueError: it has no such signature.
        """
        loaded = load(os.fsdecode(saved_model_dir), tags)
        keys = list(signature_keys or loaded.signatures)
        exported = hasattr(loaded, "serve") and not hasattr(loaded, "_default_save_signature")
        if exported and not signature_keys and len(keys) > 1:
            keys = [DEFAULT_SERVING_SIGNATURE_DEF_KEY]  # Keras exports its endpoint as both
        if not keys:
            raise ValueError("Only support at least one signature key.")
        for key in keys:
            if key not in loaded.signatures:
                raise ValueError(
                    f"Invalid signature key '{key}' found. Valid keys are "
                    f"'{','.join(loaded.signatures)}'."
                )
        converter = cls([loaded.signatures[key] for key in keys], loaded)
        converter._keys, converter._saved = keys, loaded.signatures
        return converter

    @classmethod
    def from_keras_model(cls, model: Any) -> "TFLiteConverter":
        """Returns the converter of a Keras model.

        Args:
          model: a Keras model.

        Returns:
          A TFLiteConverter.
        """
        return cls([], model)

    @classmethod
    def experimental_from_jax(cls, serving_funcs: Any, inputs: Any) -> "TFLiteConverter":
        """Returns the converter of functions of JAX.

        Args:
          serving_funcs: functions of JAX.
          inputs: the inputs of each.

        Raises:
          UnimplementedError: always.
        """
        raise UnimplementedError(
            "tf.lite.TFLiteConverter.experimental_from_jax: conversion from JAX is not implemented."
        )

    def convert(self) -> bytes:
        """Returns the model in TFLite's format.

        With `optimizations`, weights of 1024 elements and more are stored as int8 and inputs of their ops are quantized as the model runs (dynamic
        range), or all constants of floats as float16 if `target_spec.supported_types` says so. With a `representative_dataset` as well, the model
        computes with int8, or with int16 and weights of int8 if `supported_ops` has `EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8`;
        ops without such kernels stay on floats, of which a warning informs if `supported_ops` has no `TFLITE_BUILTINS`.

        Returns:
          The file's bytes.

        Raises:
          UnimplementedError: TFLite has no counterpart of an operation.
          ValueError: options contradict one another.
          ImportError: flatbuffers is not installed.
        """
        integers = integers_of(self)
        return self.written(integers, "" if integers is not None else weights_of(self))

    def written(self, integers: Integers | None, weights: str = "") -> bytes:
        """Returns the model in TFLite's format.

        Args:
          integers: how it computes with integers, or None.
          weights: how the weights of a model of floats are stored.

        Returns:
          The file's bytes.
        """
        signatures = self._signatures()
        calls = None if self._trackable_obj is None else self._calls(signatures)
        flex = OpsSet.SELECT_TF_OPS in self.target_spec.supported_ops
        return file_of(signatures, weights, integers=integers, calls=calls, tensorflow_ops=flex)

    def _calls(self, signatures: Mapping[str, ConcreteFunction]) -> dict[str, str]:
        """The names that calls of the signatures have in a SavedModel's graph: numbered by kind."""
        if not self._funcs and not hasattr(self._trackable_obj, "save_spec"):
            # Keras 3 exports its endpoint as well.
            signatures = {"serve": signatures[DEFAULT_SERVING_SIGNATURE_DEF_KEY], **signatures}
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for key, function in sorted((self._saved or signatures).items()):
            has_state = any(tensor.dtype == dtypes.resource for tensor in function.captured_inputs)
            kind = "StatefulPartitionedCall" if has_state else "PartitionedCall"
            names[key] = f"{kind}_{counts[kind]}" if counts[kind] else kind
            counts[kind] += 1
        return names

    def _signatures(self) -> dict[str, ConcreteFunction]:
        if not self._funcs:
            return _of_model(self._trackable_obj)
        if self._keys:
            return dict(zip(self._keys, self._funcs, strict=True))
        if len(self._funcs) == 1:
            return {DEFAULT_SERVING_SIGNATURE_DEF_KEY: self._funcs[0]}
        raise ValueError(
            "This converter can only convert a single ConcreteFunction. Converting multiple functions is under "
            "development."
        )


def _of_model(model: Any) -> dict[str, ConcreteFunction]:
    """The call of a Keras model as its signature: Keras 2 names results after layers, as it does in a SavedModel."""
    if hasattr(model, "save_spec"):
        return wrapped(canonical(model, None, SavedChildren()))
    return {DEFAULT_SERVING_SIGNATURE_DEF_KEY: traced(model)}


def integers_of(converter: Any) -> Integers | None:
    """Returns how a model computes with integers; None without samples.

    Args:
      converter: the converter of TensorFlow 2, or that of TensorFlow 1.

    Raises:
      UnimplementedError: a set of ops is not implemented.
      ValueError: options contradict one another.
    """
    kinds = set(converter.target_spec.supported_ops)
    ends = [
        dtypes.as_dtype(t)
        for t in (converter.inference_input_type, converter.inference_output_type)
    ]
    name = "tf.lite.TFLiteConverter.convert"
    sixteen = OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    floats = {OpsSet.TFLITE_BUILTINS, OpsSet.SELECT_TF_OPS}
    known = {*floats, OpsSet.TFLITE_BUILTINS_INT8, sixteen}
    if not kinds <= known:
        listed = ", ".join(sorted(map(str, kinds - known)))
        raise UnimplementedError(f"{name}: supported_ops={listed} is not implemented.")
    bits = 16 if sixteen in kinds else 8
    if converter.representative_dataset is None or not converter.optimizations:
        if ends != [dtypes.float32] * 2 or not kinds & floats:
            missing = [
                option
                for option in ("optimizations", "representative_dataset")
                if not getattr(converter, option)
            ]
            raise ValueError(f"{name}: integers need a value of {' and of '.join(missing)}.")
        return None
    if set(map(dtypes.as_dtype, converter.target_spec.supported_types)) - {dtypes.int8}:
        return None  # float16, whose constants need no samples
    allowed = {16: (dtypes.int16,), 8: (dtypes.int8, dtypes.uint8)}[bits]
    for kind in ends:
        if kind not in (dtypes.float32, *allowed):
            raise ValueError(
                f"{name}: inputs and outputs may be float32 or {' or '.join(k.name for k in allowed)}. "
                f"Received {kind.name}."
            )
    samples = getattr(
        converter.representative_dataset, "input_gen", converter.representative_dataset
    )
    return Integers(samples(), bits, not kinds & floats, ends[0], ends[1])


def weights_of(converter: Any) -> str:
    """Returns how the weights of a model of floats are stored.

    Args:
      converter: see `integers_of`.

    Raises:
      UnimplementedError: constants of these types are not implemented.
    """
    types = {dtypes.as_dtype(kind) for kind in converter.target_spec.supported_types}
    name = "tf.lite.TFLiteConverter.convert"
    if not converter.optimizations:
        return ""
    if types - {dtypes.float16, dtypes.int8}:
        raise UnimplementedError(f"{name}: supported_types={types} is not implemented.")
    return "float16" if dtypes.float16 in types else "int8"


@export("lite.experimental.authoring.compatible")
def compatible(target: Any = None, converter_target_spec: Any = None, **kwargs: Any) -> Any:
    """Decorator of a tf.function that is meant for TFLite.

    Args:
      target: the function.
      converter_target_spec: the TargetSpec of its device.
      **kwargs: `raise_exception`: whether incompatible ops raise, which only False is here.

    Returns:
      An object to call like the function, or the decorator.

    Raises:
      UnimplementedError: incompatible ops are to raise.
    """
    if kwargs.get("raise_exception"):
        raise _no_check("raise_exception=True")
    if target is None:
        return lambda function: compatible(function, converter_target_spec, **kwargs)
    return CompatibleFunction(target, converter_target_spec)


class CompatibleFunction:
    """A tf.function meant for TFLite; its compatibility is not checked."""

    def __init__(self, target: Any, converter_target_spec: Any) -> None:
        self._target, self._spec = target, converter_target_spec

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._target(*args, **kwargs)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the trace for these arguments."""
        return self._target.get_concrete_function(*args, **kwargs)

    def get_compatibility_log(self) -> list[str]:
        """Returns the incompatible ops."""
        raise _no_check("get_compatibility_log")


def _no_check(what: str) -> Exception:
    name = "tf.lite.experimental.authoring.compatible"
    return UnimplementedError(f"{name}: {what}: the check of ops is not implemented.")
