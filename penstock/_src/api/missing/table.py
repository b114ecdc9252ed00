"""The symbols that only raise: a line each with parameters and meaning.

`raising.py` makes the functions and classes on first use. To add a symbol, add a line and run `tools/gen_api.py`.
"""

import collections
import ctypes
import re
from collections.abc import Sequence
from typing import Any

from penstock._src.util.export import export_by_name, export_constant

from .raising import MissingClass, MissingFunction

_ROWS: dict[str, MissingFunction | MissingClass] = {}
# `name(parameters): what it would do`; a property has no parentheses, a member of the class itself begins with "static".
_LINE = re.compile(r"((?:static )?[\w.]+)(?:\((.*?)\))?: (.*)")


def _functions(
    where: str, reason: str, lines: str, v1: Sequence[str] | None = None, **more: Any
) -> None:
    """Adds functions of a namespace; `v1` has their names in `tf.compat.v1` if they differ."""
    for name, parameters, meaning in _parsed(lines):
        _add(MissingFunction(f"{where}.{name}", parameters, meaning, reason, **more), v1)


def _class(
    line: str, reason: str, members: str, v1: Sequence[str] | None = None, **more: Any
) -> None:
    """Adds a class with its members; one without parentheses has no constructor, and static methods."""
    ((name, parameters, meaning),) = _parsed(line)
    rows = {member: (words, does) for member, words, does in _parsed(members)}
    _add(MissingClass(name, parameters, meaning, reason, rows, **more), v1)


def _parsed(lines: str) -> list[tuple[str, Any, str]]:
    return [_LINE.fullmatch(line).groups() for line in lines.strip().splitlines()]  # type: ignore[union-attr,misc]


def _add(row: MissingFunction | MissingClass, v1: Sequence[str] | None) -> None:
    attribute = row.name.replace(".", "_")
    _ROWS[attribute] = row
    older = row.name.removeprefix("compat.v1.")
    if older == row.name:
        export_by_name(__name__, attribute, [row.name], v1)
    else:
        export_by_name(__name__, attribute, v1=[older])


def __getattr__(attribute: str) -> Any:
    if attribute not in _ROWS:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    value = globals()[attribute] = _ROWS[attribute].make(__name__, attribute)
    return value


def _check_library(library: str, _: Any) -> None:
    # OSError: the library is missing. AttributeError: it is not a delegate.
    ctypes.CDLL(library).tflite_plugin_create_delegate  # noqa: B018


_functions(
    "mlir.experimental",
    "this part of MLIR is not implemented",
    """
write_bytecode(filename, mlir_txt): Writes an MLIR module in MLIR's binary form.
tflite_to_tosa_bytecode(flatbuffer, bytecode, use_external_constant=False, ordered_input_arrays=None, ordered_output_arrays=None): Writes a TFLite model as TOSA.
""",
)
_functions(
    "lite.experimental",
    "delegates take parts of models from TensorFlow's own interpreter, and models are compiled here: make the "
    "tf.lite.Interpreter without `experimental_delegates`",
    "load_delegate(library, options=None): Loads a library of kernels for an interpreter.",
    check=_check_library,
)
# Without NVIDIA's TensorRT library TensorFlow offers the conversion parameters and raises RuntimeError.
ConversionParams = collections.namedtuple(  # type: ignore[name-match]  # TensorFlow's name in its representation
    "TrtConversionParams",
    "max_workspace_size_bytes precision_mode minimum_segment_size maximum_cached_engines "
    "use_calibration allow_build_at_runtime",
    defaults=[1 << 30, "FP32", 3, 1, True, True],
)
ConversionParams.__doc__ = "Parameters of a model's conversion for TensorRT."
export_constant("experimental.tensorrt.ConversionParams", ConversionParams, v1=[])
_class(
    "experimental.tensorrt.Converter(input_saved_model_dir=None, input_saved_model_tags=None, "
    "input_saved_model_signature_key=None, use_dynamic_shape=None, dynamic_shape_profile_strategy=None, "
    "max_workspace_size_bytes=1073741824, precision_mode='FP32', minimum_segment_size=3, maximum_cached_engines=1, "
    "use_calibration=True, allow_build_at_runtime=True, conversion_params=None): Converts a SavedModel for TensorRT.",
    "Tensorflow has not been built with TensorRT support",
    """
convert(calibration_input_fn=None): Replaces parts of the model by engines.
build(input_fn): Builds the engines for given inputs.
save(output_saved_model_dir, save_gpu_specific_engines=True, options=None): Writes the converted model.
summary(line_length=160, detailed=True, print_fn=None): Prints the engines.
""",
    v1=[],
    error=RuntimeError,
)

_functions(
    "compat.v1.tpu",
    "TPUs are not implemented",
    """
replicate(computation, inputs=None, infeed_queue=None, device_assignment=None, name=None, maximum_shapes=None, padding_spec=None, xla_options=None): Runs a computation on several cores.
rewrite(computation, inputs=None, infeed_queue=None, device_assignment=None, name=None, xla_options=None): Runs a computation on a TPU.
shard(computation, inputs=None, num_shards=1, input_shard_axes=None, outputs_from_all_shards=True, output_shard_axes=None, infeed_queue=None, device_assignment=None, name=None, xla_options=None): Runs a computation on the parts of its inputs.
batch_parallel(computation, inputs=None, num_shards=1, infeed_queue=None, device_assignment=None, name=None, xla_options=None): Runs a computation on the parts of a batch.
cross_replica_sum(x, group_assignment=None, name=None): Sums over cores.
initialize_system(embedding_config=None, job=None, compilation_failure_closes_chips=True, tpu_cancellation_closes_chips=None): Starts a TPU system.
shutdown_system(job=None): Stops a TPU system.
""",
)
# -- TensorFlow 1
_functions(
    "compat.v1.tpu.experimental",
    "TPUs are not implemented",
    """
embedding_column(categorical_column, dimension, combiner='mean', initializer=None, max_sequence_length=0, learning_rate_fn=None, embedding_lookup_device=None, tensor_core_shape=None, use_safe_embedding_lookup=True): A feature column whose table a TPU holds.
shared_embedding_columns(categorical_columns, dimension, combiner='mean', initializer=None, shared_embedding_collection_name=None, max_sequence_lengths=None, learning_rate_fn=None, embedding_lookup_device=None, tensor_core_shape=None, use_safe_embedding_lookup=True): Feature columns that share a table, which a TPU holds.
""",
)
