"""tf.lite.experimental.QuantizationDebugger: compares a quantized model with its float original, layer by layer."""

import collections
import csv
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np

from penstock._src.api.lite import QuantizationDebugOptions
from penstock._src.core import dtypes
from penstock._src.formats.tflite.converter import integers_of
from penstock._src.formats.tflite.interpreter.interpreter import Interpreter
from penstock._src.formats.tflite.writing.quantizing import NUMERIC_VERIFY
from penstock._src.util.export import export

Metrics = dict[str, Callable[..., Any]]
_LAYER_METRICS: Metrics = {
    "num_elements": lambda differences: differences.size,
    "stddev": np.std,
    "mean_error": np.average,
    "max_abs_error": lambda differences: np.max(np.abs(differences)),
    "mean_squared_error": lambda differences: np.average(differences**2),
}


@export("lite.experimental.QuantizationDebugger")
class QuantizationDebugger:
    """Compares a quantized model with its float original, layer by layer.

    The model that it runs computes each layer twice, with integers and with floats, of the same inputs: what the integers of the layers before stand for.

    Args:
      quant_debug_model_path: the file of a quantized model with such comparisons.
      quant_debug_model_content: its bytes.
      float_model_path: the file of the float model, for metrics of the whole model.
      float_model_content: its bytes.
      debug_dataset: a function without arguments that returns an iterator of inputs, a list of arrays each.
      debug_options: a `tf.lite.experimental.QuantizationDebugOptions`.
      converter: a converter with `optimizations` and a `representative_dataset`, instead of models.

    Attributes:
      layer_statistics: after `run`, means of the metrics over the samples, by layer and metric.
      model_statistics: after `run`, means of the metrics of the whole model.

    Raises:
      ValueError: there is neither a converter nor a model, or the model has no comparisons.

    >>> weights = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    >>> dense = tf.function(lambda x: tf.nn.relu(x @ weights))
    >>> samples = lambda: ([np.random.rand(1, 8).astype(np.float32)] for _ in range(8))
    >>> function = dense.get_concrete_function(tf.TensorSpec([1, 8], tf.float32))
    >>> converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    >>> converter.optimizations, converter.representative_dataset = [tf.lite.Optimize.DEFAULT], samples
    >>> debugger = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_dataset=samples)
    >>> debugger.run()
    >>> ((layer, metrics),) = debugger.layer_statistics.items()
    >>> bool(metrics["max_abs_error"] < 0.1)
    True
    """

    layer_statistics: dict[str, dict[str, Any]] | None
    model_statistics: dict[str, Any] | None

    def __init__(
        self,
        quant_debug_model_path: str | None = None,
        quant_debug_model_content: bytes | None = None,
        float_model_path: str | None = None,
        float_model_content: bytes | None = None,
        debug_dataset: Callable[[], Iterable[Sequence[np.ndarray]]] | None = None,
        debug_options: QuantizationDebugOptions | None = None,
        converter: Any = None,
    ) -> None:
        self._dataset = debug_dataset
        self._debug_options = debug_options or QuantizationDebugOptions()
        self.converter = converter
        self._samples: list[Any] = []
        self._float_interpreter: Interpreter | None = None
        if converter is not None:
            self._samples = _samples_of(converter)
            if self._debug_options.model_debug_metrics:
                floats = converter.written(None)
                self._float_interpreter = Interpreter(model_content=floats)
            content = self._quantized_model(verifies=True)
            self._quant_interpreter = _debug_interpreter(None, content)
        else:
            self._quant_interpreter = _debug_interpreter(
                quant_debug_model_path, quant_debug_model_content
            )
            if self._debug_options.model_debug_metrics:
                self._float_interpreter = Interpreter(float_model_path, float_model_content)
        self._reset()

    @property
    def options(self) -> QuantizationDebugOptions:
        """The options. New ones make a new model, if there is a converter."""
        return self._debug_options

    @options.setter
    def options(self, options: QuantizationDebugOptions) -> None:
        self._debug_options = options
        if self.converter is not None:
            content = self._quantized_model(verifies=True)
            self._quant_interpreter = _debug_interpreter(None, content)
            self._reset()

    def get_nondebug_quantized_model(self) -> bytes:
        """Returns the quantized model without comparisons.

        Returns:
          The bytes of a TFLite file.
        """
        return self._quantized_model(verifies=False)

    def get_debug_quantized_model(self) -> bytes:
        """Returns the quantized model with a comparison for each layer.

        Returns:
          The bytes of a TFLite file.
        """
        return self._quantized_model(verifies=True)

    def run(self) -> None:
        """Runs the models on all samples, and computes the statistics."""
        self.layer_statistics = self._compare_layers()
        if self._debug_options.model_debug_metrics:
            self.model_statistics = self._compare_models(self._debug_options.model_debug_metrics)

    def layer_statistics_dump(self, file: IO[str]) -> None:
        """Writes the statistics of the layers as CSV.

        Args:
          file: an open text file.
        """
        names = [*self._layer_metrics, *(self._debug_options.layer_direct_compare_metrics or ())]
        fields = ["op_name", "tensor_idx", *names, "scale", "zero_point", "tensor_name"]
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        for name, metrics in (self.layer_statistics or {}).items():
            integers = self._comparisons[name]["inputs"][0]
            scale, zero = _quantization(self._details(integers))
            row = {
                "op_name": self._operators[integers]["op_name"],
                "tensor_idx": integers,
                "scale": scale,
                "zero_point": zero,
                "tensor_name": _tensor_name(name),
            }
            writer.writerow(row | dict(metrics))

    # -- models

    def _quantized_model(self, verifies: bool) -> bytes:
        if self.converter is None:
            raise ValueError(
                "No converter found, use this function with the converter option in the constructor."
            )
        options = self._debug_options
        settings = integers_of(self.converter)
        assert settings is not None  # it has samples
        kind = dtypes.int8 if options.fully_quantize else dtypes.float32
        return self.converter.written(
            dataclasses.replace(
                settings,
                samples=self._samples,
                warns=False,
                input_type=kind,
                output_type=kind,
                float_ops=options.denylisted_ops or (),
                float_tensors=options.denylisted_nodes or (),
                verifies=verifies,
            )
        )

    def _reset(self) -> None:
        """Finds the comparisons of the model.

        Raises:
          ValueError: it has none.
        """
        operators = self._quant_interpreter._get_ops_details()
        self._operators = {out: operator for operator in operators for out in operator["outputs"]}
        self._comparisons = {
            self._details(operator["outputs"][0])["name"]: operator
            for operator in operators
            if operator["op_name"] == NUMERIC_VERIFY
        }
        if not self._comparisons:
            raise ValueError("Please check if the quantized model is in debug mode")
        self._layer_metrics: Metrics = {
            **_LAYER_METRICS,
            **(self._debug_options.layer_debug_metrics or {}),
        }
        self.layer_statistics = self.model_statistics = None

    def _details(self, index: int) -> dict[str, Any]:
        return self._quant_interpreter._get_tensor_details(index, 0)

    # -- statistics

    def _compare_layers(self) -> dict[str, dict[str, Any]]:
        """Means of the layers' metrics over the samples."""
        values: dict[str, Any] = collections.defaultdict(lambda: collections.defaultdict(list))
        for sample in _iterate(self._dataset):
            _run(self._quant_interpreter, sample)
            for name, operator in self._comparisons.items():
                for metric, value in self._measure(operator):
                    values[name][metric].append(value)
        return {
            name: {metric: np.nanmean(each) for metric, each in metrics.items()}
            for name, metrics in values.items()
        }

    def _measure(self, operator: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """The metrics of one comparison after a run."""
        interpreter = self._quant_interpreter
        differences = interpreter.get_tensor(operator["outputs"][0])
        for metric, function in self._layer_metrics.items():
            yield metric, function(differences)
        integers, floats = operator["inputs"]
        for metric, function in (self._debug_options.layer_direct_compare_metrics or {}).items():
            yield (
                metric,
                function(
                    interpreter.get_tensor(floats),
                    interpreter.get_tensor(integers),
                    *_quantization(self._details(integers)),
                ),
            )

    def _compare_models(self, metrics: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
        """Means of the metrics of the float model's and the quantized model's results."""
        values: dict[str, list[Any]] = collections.defaultdict(list)
        for sample in _iterate(self._dataset):
            quantized = _run(self._quant_interpreter, sample)
            floats = _run(self._float_interpreter, sample) if self._float_interpreter else []
            for metric, function in metrics.items():
                values[metric].append(function(floats, quantized))
        return {metric: np.mean(each) for metric, each in values.items()}


def _samples_of(converter: Any) -> list[Any]:
    """The samples of a converter.

    Raises:
      ValueError: it does not quantize, or has no samples.
    """
    if not converter.optimizations:
        raise ValueError("converter object must set optimizations to lite.Optimize.DEFAULT")
    if not converter.representative_dataset:
        raise ValueError("converter object must set representative_dataset")
    dataset = converter.representative_dataset
    return list(getattr(dataset, "input_gen", dataset)())


def _debug_interpreter(path: str | None, content: bytes | None) -> Interpreter:
    return Interpreter(path, content, experimental_preserve_all_tensors=True)


def _iterate(dataset: Callable[[], Iterable[Any]] | None) -> Iterable[Any]:
    if dataset is None:
        raise TypeError("tf.lite.experimental.QuantizationDebugger.run: debug_dataset is missing.")
    return dataset()


def _run(interpreter: Interpreter, sample: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Runs a model on floats; returns its results as floats.

    Raises:
      ValueError: the sample has another number of inputs.
    """
    details = interpreter.get_input_details()
    if len(details) != len(sample):
        raise ValueError(
            f"Number of inputs provided ({len(sample)}) does not match number of inputs to the model ({len(details)})"
        )
    for each, value in zip(details, sample, strict=True):
        interpreter.resize_tensor_input(each["index"], value.shape)
    interpreter.allocate_tensors()
    for each, value in zip(details, sample, strict=True):
        if value.dtype == np.float32 and each["dtype"] == np.int8:
            scale, zero = _quantization(each)
            value = np.clip(np.round(value / scale + zero), -128, 127).astype(np.int8)
        interpreter.set_tensor(each["index"], value)
    interpreter.invoke()
    return [_reals(interpreter, each) for each in interpreter.get_output_details()]


def _reals(interpreter: Interpreter, details: Mapping[str, Any]) -> np.ndarray:
    value = interpreter.get_tensor(details["index"])
    if details["dtype"] != np.int8:
        return value
    scale, zero = _quantization(details)
    return (value.astype(np.float32) - zero) * scale


def _quantization(details: Mapping[str, Any]) -> tuple[np.float32, np.int32]:
    """The scale and the zero point of a tensor."""
    parameters = details["quantization_parameters"]
    return parameters["scales"][0], parameters["zero_points"][0]


def _tensor_name(comparison: str) -> str:
    """The name of the tensor that a comparison is about, which is followed by a digit and a number."""
    name = comparison.rpartition(":")[0].removeprefix(f"{NUMERIC_VERIFY}/")
    return name[:-1] if name[-1:].isdigit() else name
