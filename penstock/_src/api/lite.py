"""Options of TFLite conversions."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from penstock._src.util.export import export, export_constant


@export("lite.Optimize")
class Optimize(Enum):
    """Optimization goals of a conversion.

    >>> tf.lite.Optimize.DEFAULT.name
    'DEFAULT'
    """

    DEFAULT = "DEFAULT"
    OPTIMIZE_FOR_SIZE = "OPTIMIZE_FOR_SIZE"
    OPTIMIZE_FOR_LATENCY = "OPTIMIZE_FOR_LATENCY"
    EXPERIMENTAL_SPARSITY = "EXPERIMENTAL_SPARSITY"

    def __str__(self) -> str:
        return str(self.value)


@export("lite.OpsSet")
class OpsSet(Enum):
    """The ops that a converted model may have."""

    TFLITE_BUILTINS = "TFLITE_BUILTINS"
    SELECT_TF_OPS = "SELECT_TF_OPS"
    TFLITE_BUILTINS_INT8 = "TFLITE_BUILTINS_INT8"
    EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 = (
        "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
    )
    EXPERIMENTAL_STABLEHLO_OPS = "EXPERIMENTAL_STABLEHLO_OPS"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    def get_options() -> list[str]:
        """Returns the names of all sets."""
        return [str(option) for option in OpsSet]


@export("lite.TargetSpec")
class TargetSpec:
    """Capabilities of a conversion's target device.

    Args:
      supported_ops: OpsSets; TFLITE_BUILTINS by default.
      supported_types: types of constants.
      experimental_select_user_tf_ops: names of the user's ops to keep.
      experimental_supported_backends: backends to be compatible with.
    """

    def __init__(
        self,
        supported_ops: Iterable[OpsSet] | None = None,
        supported_types: Iterable[Any] | None = None,
        experimental_select_user_tf_ops: Iterable[str] | None = None,
        experimental_supported_backends: Any = None,
    ) -> None:
        self.supported_ops = {OpsSet.TFLITE_BUILTINS} if supported_ops is None else supported_ops
        self.supported_types = set() if supported_types is None else supported_types
        self.experimental_select_user_tf_ops = (
            set() if experimental_select_user_tf_ops is None else experimental_select_user_tf_ops
        )
        self.experimental_supported_backends = experimental_supported_backends


@export("lite.RepresentativeDataset")
class RepresentativeDataset:
    """Samples that calibrate the value ranges of a quantized model.

    Args:
      input_gen: a function without arguments that returns an iterator of inputs.
    """

    def __init__(self, input_gen: Callable[[], Any]) -> None:
        self.input_gen = input_gen


@export("lite.experimental.OpResolverType")
class OpResolverType(Enum):
    """Kernel choices of an interpreter."""

    AUTO = 0
    BUILTIN = 1
    BUILTIN_REF = 2
    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3


@export("lite.experimental.QuantizationDebugOptions")
class QuantizationDebugOptions:
    """Metrics that a QuantizationDebugger computes, and layers that it does not quantize.

    Args:
      layer_debug_metrics: functions of a layer's differences between quantized and float results,
        by name.
      model_debug_metrics: functions of the two models' outputs, by name.
      layer_direct_compare_metrics: functions of a layer's float and quantized results, scale and
        zero point, by name.
      denylisted_ops: the kinds of ops that stay in floats.
      denylisted_nodes: the names of tensors whose ops stay in floats.
      fully_quantize: whether inputs and outputs are quantized as well.

    Raises:
      ValueError: two metrics have the same name.
    """

    def __init__(
        self,
        layer_debug_metrics: dict[str, Callable[..., Any]] | None = None,
        model_debug_metrics: dict[str, Callable[..., Any]] | None = None,
        layer_direct_compare_metrics: dict[str, Callable[..., Any]] | None = None,
        denylisted_ops: list[str] | None = None,
        denylisted_nodes: list[str] | None = None,
        fully_quantize: bool = False,
    ) -> None:
        metrics = (layer_debug_metrics, model_debug_metrics, layer_direct_compare_metrics)
        names = [name for each in metrics for name in each or ()]
        if len(names) != len(set(names)):
            raise ValueError("Provided metrics have duplicate keys.")
        self.layer_debug_metrics = layer_debug_metrics
        self.model_debug_metrics = model_debug_metrics
        self.layer_direct_compare_metrics = layer_direct_compare_metrics
        self.denylisted_ops, self.denylisted_nodes = denylisted_ops, denylisted_nodes
        self.fully_quantize = fully_quantize


# The formats of TensorFlow 1's converter.
TFLITE, GRAPHVIZ_DOT = 2, 3
export_constant(None, TFLITE, v1=["lite.constants.TFLITE"])
export_constant(None, GRAPHVIZ_DOT, v1=["lite.constants.GRAPHVIZ_DOT"])
