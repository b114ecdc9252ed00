"""tf.quantization.experimental.quantize_saved_model."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from penstock._src.api.io.records import tf_record_iterator
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.formats.frozen import FrozenFunction, freeze
from penstock._src.formats.saved_model.quantized import arithmetic
from penstock._src.formats.saved_model.quantized.calibration import Ranges, ranges_of
from penstock._src.formats.saved_model.quantized.rewriting import rewritten
from penstock._src.formats.saved_model.quantized.settings import Settings, settings_of
from penstock._src.formats.saved_model.quantized.units import Unit
from penstock._src.formats.saved_model.quantized.weights import quantized_weight
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.quantization import RepresentativeDataSample
from penstock._src.saving.saved_model.constants import SERVING, SaveOptions
from penstock._src.saving.saved_model.load import load
from penstock._src.saving.saved_model.save import save
from penstock._src.util.export import export

_NO_RANGES = (
    "When `representative_dataset` is not provided, the model should be trained with "
    "quantization-aware training (QAT)."
)


@export("quantization.experimental.quantize_saved_model")
def quantize_saved_model(
    saved_model_path: Any,
    output_directory: Any = None,
    quantization_options: Any = None,
    representative_dataset: Any = None,
    *,
    overwrite_output_directory: bool = False,
) -> Any:
    """Writes a copy of a SavedModel whose products, convolutions and gathers have weights of int8, and returns it loaded.

    Activations of products and convolutions are int8 as well, by ranges over the samples (static range, the default) or by those of each call
    (dynamic range, for weights of at least 1024 elements); with METHOD_STATIC_RANGE_WEIGHT_ONLY_INT8 the arithmetic stays on floats.

    Args:
      saved_model_path: the folder of the SavedModel.
      output_directory: the folder to write; by default a temporary one.
      quantization_options: QuantizationOptions.
      representative_dataset: for static ranges: samples {input: value}, or a dict of such by signatures.
      overwrite_output_directory: replace a folder that exists.

    Returns:
      The object of the quantized SavedModel, whose `signatures` are functions.

    Raises:
      OSError: there is no SavedModel. FileExistsError: the output folder exists.
      ValueError: options contradict one another, a signature is missing, or there are no ranges.
      KeyError: a sample has other inputs than its signature.
      UnimplementedError: an option is not implemented, or a signature changes variables.

    >>> class Dense(tf.Module):
    ...     def __init__(self):
    ...         self.w = tf.Variable(tf.random.stateless_normal([64, 64], [1, 2]))
    ...     @tf.function(input_signature=[tf.TensorSpec([None, 64], name="x")])
    ...     def __call__(self, x):
    ...         return {"y": x @ self.w}
    >>> model = Dense()
    >>> tf.saved_model.save(model, "floats", signatures=model.__call__)
    >>> samples = [{"x": tf.random.stateless_normal([8, 64], [3, i])} for i in range(4)]
    >>> small = tf.quantization.experimental.quantize_saved_model("floats", "int8", representative_dataset=samples)
    >>> y = small.signatures["serving_default"](samples[0]["x"])["y"]
    >>> float(tf.reduce_max(tf.abs(y - model(samples[0]["x"])["y"]))) < 1.0
    True
    """
    path = os.fsdecode(saved_model_path)
    settings = settings_of(quantization_options)
    if representative_dataset is not None and settings.files:
        raise ValueError(
            "Do not specify both the `representative_dataset` argument and the "
            "`representative_datasets` field in `QuantizationOptions`."
        )
    output = _output_folder(output_directory, overwrite_output_directory)
    loaded = load(path, list(settings.tags))
    samples = _samples_by_signature(settings, representative_dataset)
    functions = {
        key: _quantized(_frozen(loaded, key), settings, samples.get(key)) for key in settings.keys
    }
    if os.path.exists(output):
        shutil.rmtree(output)
    extra = [tag for tag in settings.tags if tag != SERVING]
    save(
        AutoTrackable(), output, signatures=functions, options=SaveOptions(extra_tags=extra or None)
    )
    return load(output)


def _output_folder(output_directory: Any, overwrite: bool) -> str:
    if output_directory is None:
        return os.path.join(tempfile.mkdtemp(), "quantized")
    output = os.fsdecode(output_directory)
    if os.path.exists(output) and not overwrite:
        raise FileExistsError(
            f"Output directory already exists: {output} . Please set overwrite_output_directory to "
            "true to overwrite the existing directory."
        )
    return output


def _frozen(loaded: Any, key: str) -> FrozenFunction:
    if key not in loaded.signatures:
        raise ValueError(
            f"quantize_saved_model: there is no signature {key!r}; the model has "
            f"{sorted(loaded.signatures)}. Name some in QuantizationOptions.signature_keys."
        )
    function: ConcreteFunction = loaded.signatures[key]
    return freeze(function, key, folds_scales=True)


def _samples_by_signature(settings: Settings, dataset: Any) -> Mapping[str, Iterable[Any]]:
    if settings.files:
        return {key: list(_read_samples(path)) for key, path in settings.files.items()}
    if dataset is None or isinstance(dataset, Mapping):
        return dataset or {}
    if len(settings.keys) > 1:
        raise ValueError(
            "quantize_saved_model: representative_dataset must be a dict by signatures, of which "
            f"there are several: {', '.join(settings.keys)}."
        )
    return {settings.keys[0]: dataset}


def _read_samples(path: str) -> Iterable[dict[str, Any]]:
    for record in tf_record_iterator(path):
        sample = RepresentativeDataSample.FromString(record)
        yield {name: from_proto(proto) for name, proto in sample.tensor_proto_inputs.items()}


def _quantized(
    frozen: FrozenFunction, settings: Settings, samples: Iterable[Any] | None
) -> ConcreteFunction:
    ranges: Ranges = {}
    if settings.method == "static":
        if samples is not None:
            ranges = ranges_of(frozen, samples, settings.averages)
        elif not _has_fake_quantization(frozen):
            raise ValueError(_NO_RANGES)

    def replace(unit: Unit, x: Any, again: Callable[[Any], Any]) -> Any:
        operation = unit.operation
        if (
            settings.method == "none"
            or unit.value.size < settings.least_elements
            or settings.keeps(operation.type, operation.name)
        ):
            return again(x)
        if unit.kind == "gather" or settings.method == "weights":
            return arithmetic.on_floats(unit, quantized_weight(unit, settings.per_channel), x)
        if settings.method == "dynamic":
            integers = arithmetic.by_own_range(x)
        else:
            known = _fake_range(unit.activation) or ranges.get(unit.activation._id)
            if known is None:  # no sample came here, as in a branch that none took
                return again(x)
            integers = arithmetic.by_range(x, *known)
        weight = quantized_weight(unit, settings.per_channel)
        return arithmetic.on_integers(unit, weight, integers, settings.xla)

    return rewritten(frozen, replace)


def _has_fake_quantization(frozen: FrozenFunction) -> bool:
    return any(op.type.startswith("FakeQuantWithMinMax") for op in frozen.operations)


def _fake_range(x: SymbolicTensor) -> tuple[float, float] | None:
    """The range to which a model trained for 8 bits rounds a tensor, or None."""
    op, attrs = x.op, x.op.raw_op.attrs
    if not op.type.startswith("FakeQuantWithMinMax") or attrs["num_bits"] != 8:
        return None
    if op.type == "FakeQuantWithMinMaxArgs":
        return float(attrs["min"]), float(attrs["max"])
    ends = [t.op.raw_op.attrs["value"] for t in op._inputs[1:] if t.op.type == "Const"]
    if op.type != "FakeQuantWithMinMaxVars" or len(ends) != 2:
        return None
    return float(ends[0]), float(ends[1])
