"""tf.experimental.tensorrt: parameters of a conversion, which needs NVIDIA's library and GPUs."""

import collections
from typing import Any

from penstock._src.util.export import export, export_constant

# Bytes that TensorRT may use while it plans.
_WORKSPACE = 1 << 30

ConversionParams = collections.namedtuple(
    "TrtConversionParams",
    [
        "max_workspace_size_bytes",
        "precision_mode",
        "minimum_segment_size",
        "maximum_cached_engines",
        "use_calibration",
        "allow_build_at_runtime",
    ],
    defaults=[_WORKSPACE, "FP32", 3, 1, True, True],
)
ConversionParams.__doc__ = "How a model is converted for TensorRT."
export_constant("experimental.tensorrt.ConversionParams", ConversionParams, v1=[])

_NOT_BUILT = "Tensorflow has not been built with TensorRT support."


@export("experimental.tensorrt.Converter", v1=[])
class Converter:
    """Converts a SavedModel for TensorRT.

    Raises:
      RuntimeError: always, as TensorFlow's does where it was built without TensorRT.
    """

    def __init__(
        self,
        input_saved_model_dir: str | None = None,
        input_saved_model_tags: Any = None,
        input_saved_model_signature_key: str | None = None,
        use_dynamic_shape: bool | None = None,
        dynamic_shape_profile_strategy: str | None = None,
        max_workspace_size_bytes: int = _WORKSPACE,
        precision_mode: str = "FP32",
        minimum_segment_size: int = 3,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
        allow_build_at_runtime: bool = True,
        conversion_params: Any = None,
    ) -> None:
        raise RuntimeError(_NOT_BUILT)

    def convert(self, calibration_input_fn: Any = None) -> Any:
        """Replaces parts of the model by engines."""
        raise RuntimeError(_NOT_BUILT)

    def build(self, input_fn: Any) -> None:
        """Builds the engines for given inputs."""
        raise RuntimeError(_NOT_BUILT)

    def save(
        self,
        output_saved_model_dir: str,
        save_gpu_specific_engines: bool = True,
        options: Any = None,
    ) -> None:
        """Writes the converted model."""
        raise RuntimeError(_NOT_BUILT)

    def summary(self, line_length: int = 160, detailed: bool = True, print_fn: Any = None) -> None:
        """Prints the engines."""
        raise RuntimeError(_NOT_BUILT)
