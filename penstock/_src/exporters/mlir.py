"""tf.mlir.experimental: graphs as MLIR, of which there is no compiler here."""

from typing import Any

from penstock._src.exporters.missing import missing
from penstock._src.util.export import export

_PIPELINE = "tf-standard-pipeline"


@export("mlir.experimental.convert_graph_def")
def convert_graph_def(
    graph_def: Any, pass_pipeline: str = _PIPELINE, show_debug_info: bool = False
) -> str:
    """Returns a GraphDef as an MLIR module."""
    raise missing("tf.mlir.experimental.convert_graph_def", "MLIR")


@export("mlir.experimental.convert_function")
def convert_function(
    concrete_function: Any, pass_pipeline: str = _PIPELINE, show_debug_info: bool = False
) -> str:
    """Returns a concrete function as an MLIR module; `explain()` shows it in Penstock's own form."""
    raise missing("tf.mlir.experimental.convert_function", "MLIR")


@export("mlir.experimental.convert_saved_model")
def convert_saved_model(
    saved_model_path: Any, exported_names: Any, show_debug_info: bool = False
) -> str:
    """Returns a SavedModel as an MLIR module."""
    raise missing("tf.mlir.experimental.convert_saved_model", "MLIR")


@export("mlir.experimental.convert_saved_model_v1")
def convert_saved_model_v1(
    saved_model_path: Any,
    exported_names: Any,
    tags: Any,
    lift_variables: bool,
    include_variables_in_initializers: bool,
    upgrade_legacy: bool = True,
    show_debug_info: bool = False,
) -> str:
    """Returns a SavedModel of TensorFlow 1 as an MLIR module."""
    raise missing("tf.mlir.experimental.convert_saved_model_v1", "MLIR")


@export("mlir.experimental.run_pass_pipeline")
def run_pass_pipeline(mlir_txt: str, pass_pipeline: str, show_debug_info: bool = False) -> str:
    """Returns an MLIR module after passes."""
    raise missing("tf.mlir.experimental.run_pass_pipeline", "MLIR")


@export("mlir.experimental.write_bytecode")
def write_bytecode(filename: Any, mlir_txt: str) -> None:
    """Writes an MLIR module in MLIR's binary form."""
    raise missing("tf.mlir.experimental.write_bytecode", "MLIR")


@export("mlir.experimental.tflite_to_tosa_bytecode")
def tflite_to_tosa_bytecode(
    flatbuffer: Any,
    bytecode: Any,
    use_external_constant: bool = False,
    ordered_input_arrays: Any = None,
    ordered_output_arrays: Any = None,
) -> None:
    """Writes a TFLite model as TOSA."""
    raise missing("tf.mlir.experimental.tflite_to_tosa_bytecode", "MLIR")
