"""tf.lite.Interpreter and what looks into models; running them is not implemented."""

import ctypes
import os
from typing import Any

from penstock._src.exporters.lite.options import OpResolverType
from penstock._src.exporters.missing import missing
from penstock._src.util.export import export


def _interpreter(method: str) -> Exception:
    return missing(f"tf.lite.Interpreter.{method}", "running TFLite models")


@export("lite.Interpreter")
class Interpreter:
    """Runs a TFLite model.

    Raises:
      ValueError: no model is given, or it cannot be opened.
      UnimplementedError: always else.
    """

    def __init__(
        self,
        model_path: Any = None,
        model_content: bytes | None = None,
        experimental_delegates: Any = None,
        num_threads: int | None = None,
        experimental_op_resolver_type: OpResolverType = OpResolverType.AUTO,
        experimental_preserve_all_tensors: bool = False,
        experimental_disable_delegate_clustering: bool = False,
        experimental_default_delegate_latest_features: bool = False,
    ) -> None:
        if not model_path and not model_content:
            raise ValueError("`model_path` or `model_content` must be specified.")
        if model_path and model_content:
            raise ValueError("Can't both provide `model_path` and `model_content`")
        if model_path and not os.path.exists(model_path):
            raise ValueError(f"Could not open '{model_path}'.")
        raise missing("tf.lite.Interpreter", "running TFLite models")

    def allocate_tensors(self) -> None:
        """Makes room for all tensors."""
        raise _interpreter("allocate_tensors")

    def get_input_details(self) -> list[dict[str, Any]]:
        """Tells of the inputs."""
        raise _interpreter("get_input_details")

    def get_output_details(self) -> list[dict[str, Any]]:
        """Tells of the outputs."""
        raise _interpreter("get_output_details")

    def get_tensor_details(self, subgraph_index: int = 0) -> list[dict[str, Any]]:
        """Tells of all tensors."""
        raise _interpreter("get_tensor_details")

    def get_signature_list(self) -> dict[str, Any]:
        """Tells of the signatures."""
        raise _interpreter("get_signature_list")

    def get_signature_runner(self, signature_key: str | None = None) -> Any:
        """Returns a function that runs a signature."""
        raise _interpreter("get_signature_runner")

    def get_tensor(self, tensor_index: int, subgraph_index: int = 0) -> Any:
        """Returns a copy of a tensor's value."""
        raise _interpreter("get_tensor")

    def set_tensor(self, tensor_index: int, value: Any) -> None:
        """Sets the value of an input."""
        raise _interpreter("set_tensor")

    def tensor(self, tensor_index: int) -> Any:
        """Returns a function that gives a view of a tensor's value."""
        raise _interpreter("tensor")

    def resize_tensor_input(self, input_index: int, tensor_size: Any, strict: bool = False) -> None:
        """Changes the shape of an input."""
        raise _interpreter("resize_tensor_input")

    def reset_all_variables(self) -> None:
        """Sets all variables to their initial values."""
        raise _interpreter("reset_all_variables")

    def num_subgraphs(self) -> int:
        """Returns the number of subgraphs."""
        raise _interpreter("num_subgraphs")

    def invoke(self) -> None:
        """Runs the model."""
        raise _interpreter("invoke")


@export("lite.experimental.load_delegate")
def load_delegate(library: str, options: dict[str, Any] | None = None) -> Any:
    """Loads a library of kernels for an interpreter.

    Raises:
      OSError: there is no such library. UnimplementedError: there is.
    """
    ctypes.CDLL(library)
    raise missing("tf.lite.experimental.load_delegate", "running TFLite models")


@export("lite.experimental.Analyzer")
class Analyzer:
    """Prints what a TFLite model is made of."""

    @staticmethod
    def analyze(
        model_path: Any = None,
        model_content: bytes | None = None,
        gpu_compatibility: bool = False,
        **kwargs: Any,
    ) -> None:
        """Prints the graphs of a model.

        Raises:
          ValueError: no model is given. UnimplementedError: one is.
        """
        if not model_path and not model_content:
            raise ValueError("neither `model_path` nor `model_content` is provided")
        raise missing("tf.lite.experimental.Analyzer.analyze", "reading TFLite models")


@export("lite.experimental.QuantizationDebugger")
class QuantizationDebugger:
    """Compares a quantised model with its float original, layer by layer.

    Raises:
      UnimplementedError: always.
    """

    def __init__(
        self,
        quant_debug_model_path: str | None = None,
        quant_debug_model_content: bytes | None = None,
        float_model_path: str | None = None,
        float_model_content: bytes | None = None,
        debug_dataset: Any = None,
        debug_options: Any = None,
        converter: Any = None,
    ) -> None:
        raise missing("tf.lite.experimental.QuantizationDebugger", "quantisation for TFLite")

    @property
    def options(self) -> Any:
        """What is measured."""
        raise missing("QuantizationDebugger.options", "quantisation for TFLite")

    def get_debug_quantized_model(self) -> bytes:
        """Returns the quantised model with what measures it."""
        raise missing("QuantizationDebugger.get_debug_quantized_model", "quantisation for TFLite")

    def get_nondebug_quantized_model(self) -> bytes:
        """Returns the quantised model."""
        raise missing(
            "QuantizationDebugger.get_nondebug_quantized_model", "quantisation for TFLite"
        )

    def layer_statistics_dump(self, file: Any) -> None:
        """Writes what was measured as CSV."""
        raise missing("QuantizationDebugger.layer_statistics_dump", "quantisation for TFLite")

    def run(self) -> None:
        """Measures."""
        raise missing("QuantizationDebugger.run", "quantisation for TFLite")
