"""QuantizationOptions, checked and with their defaults."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from penstock._src.core.errors import UnimplementedError
from penstock._src.proto.quantization import (
    SCHEMA,
    STABLEHLO,
    QuantizationComponentSpec,
    QuantizationMethod,
    QuantizationOptions,
)
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY, SERVING
from penstock._src.util.dataclass import dataclass

_OpSet = SCHEMA["OpSet"]
_Calibration = STABLEHLO["CalibrationOptions"]
# Weights of fewer elements stay floats, as in TensorFlow, unless `min_num_elements_for_weights` says otherwise.
_LEAST_ELEMENTS = 1024
_METHODS = {
    QuantizationMethod.METHOD_UNSPECIFIED: "static",
    QuantizationMethod.METHOD_NO_QUANTIZE: "none",
    QuantizationMethod.METHOD_STATIC_RANGE_INT8: "static",
    QuantizationMethod.METHOD_DYNAMIC_RANGE_INT8: "dynamic",
    QuantizationMethod.METHOD_STATIC_RANGE_WEIGHT_ONLY_INT8: "weights",
}


@dataclass(frozen=True)
class Settings:
    """Settings of the quantization of a model.

    Attributes:
      method: "static" has ranges of inputs measured beforehand, "dynamic" measures them as the model runs, "weights" computes on floats;
        "none" leaves all on floats.
      xla: products and convolutions are XLA's ops, with int8 operands; else TensorFlow's own, with int32.
      per_channel: each channel of the results has a scale of its own.
      least_elements: weights of fewer elements stay floats.
      tags, keys: which program and which signatures.
      averages: ranges are the averages of those of the samples, not the widest.
      kept_types, kept_names: patterns of types and names of operations that stay on floats.
      files: files of samples by signature.
    """

    method: Literal["static", "dynamic", "weights", "none"]
    xla: bool
    per_channel: bool
    least_elements: int
    tags: tuple[str, ...]
    keys: tuple[str, ...]
    averages: bool
    kept_types: tuple[str, ...]
    kept_names: tuple[str, ...]
    files: Mapping[str, str]

    def keeps(self, op_type: str, name: str) -> bool:
        """True if an operation stays on floats."""
        return any(re.fullmatch(p, op_type) for p in self.kept_types) or any(
            re.fullmatch(p, name) for p in self.kept_names
        )


def settings_of(options: Any) -> Settings:
    """Returns the settings of a QuantizationOptions, None for the defaults.

    Raises:
      ValueError: options contradict one another.
      UnimplementedError: an option is not implemented.
    """
    options = options if options is not None else QuantizationOptions()
    if not isinstance(options, QuantizationOptions):
        options = QuantizationOptions.FromString(options.SerializeToString())
    method = _method_of(options)
    _check_unimplemented(options)
    op_set = options.op_set or _OpSet.Value("XLA")
    if op_set == _OpSet.Value("TF") and method == "weights":
        raise ValueError("TF/Uniform quantized opset does not support weight-only.")
    per_channel = options.enable_per_channel_quantization
    if per_channel and (method == "dynamic" or method == "static" and op_set == _OpSet.Value("TF")):
        raise ValueError(
            "Currently, per-channel quantization is supported for Uniform Quantized opset, weight only "
            "quantization, or XLA/StableHLO opset with static range quantization."
        )
    units = [unit for spec in options.unit_wise_quantization_specs for unit in spec.unit]
    least = options.min_num_elements_for_weights or (0 if method == "static" else _LEAST_ELEMENTS)
    calibration = options.calibration_options.calibration_method
    return Settings(
        method=method,  # type: ignore[arg-type]
        xla=op_set == _OpSet.Value("XLA"),
        per_channel=per_channel,
        least_elements=max(least, 0),
        tags=tuple(options.tags) or (SERVING,),
        keys=tuple(options.signature_keys) or (DEFAULT_SERVING_SIGNATURE_DEF_KEY,),
        averages=calibration == _Calibration.CALIBRATION_METHOD_AVERAGE_MIN_MAX,
        kept_types=tuple(unit.op_type for unit in units if unit.op_type),
        kept_names=tuple(unit.node_name for unit in units if unit.node_name),
        files={k: f.tfrecord_file_path for k, f in options.representative_datasets.items()},
    )


def _method_of(options: Any) -> str:
    method = options.quantization_method
    if method.preset_method not in _METHODS:
        raise ValueError(f"QuantizationMethod: unknown preset_method {method.preset_method}.")
    for spec in method.quantization_component_specs:
        if spec.tensor_type == QuantizationComponentSpec.TENSORTYPE_INT_4:
            raise UnimplementedError("quantize_saved_model: TENSORTYPE_INT_4 is not implemented.")
    for spec in options.unit_wise_quantization_specs:
        if any(not (unit.op_type or unit.node_name) for unit in spec.unit):
            raise ValueError("Either `op_type` or `node_name` must be specified.")
        if spec.quantization_method.preset_method != QuantizationMethod.METHOD_NO_QUANTIZE:
            raise UnimplementedError(
                "quantize_saved_model: unit_wise_quantization_specs take METHOD_NO_QUANTIZE alone."
            )
    return _METHODS[method.preset_method]


def _check_unimplemented(options: Any) -> None:
    """Rejects options without effect on the result.

    Raises:
      UnimplementedError: an option is not implemented.
    """
    name = _OpSet.Name(options.op_set)
    if name not in ("OP_SET_UNSPECIFIED", "TF", "XLA"):
        raise UnimplementedError(f"quantize_saved_model: op_set {name} is not implemented.")
    calibration = options.calibration_options.calibration_method
    if calibration > _Calibration.CALIBRATION_METHOD_AVERAGE_MIN_MAX:
        method = _Calibration.CalibrationMethod.Name(calibration)
        raise UnimplementedError(f"quantize_saved_model: {method} is not implemented.")
    if options.debugger_config.debugger_type:
        raise UnimplementedError("quantize_saved_model: debugger_config is not implemented.")
    for flag in (
        "enable_two_input_tensors",
        "experimental_enable_tpu_model_support",
        "enable_legacy_weight_only",
    ):
        if getattr(options, flag):
            raise UnimplementedError(f"quantize_saved_model: {flag} is not implemented.")
