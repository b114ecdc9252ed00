"""tf.quantization.experimental: options and samples for quantizing a SavedModel."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from penstock._src.api.io.records import TFRecordWriter
from penstock._src.core.convert import convert_to_tensor
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.quantization import (
    QuantizationComponentSpec,
    QuantizationMethod,
    QuantizationOptions,
    RepresentativeDataSample,
    RepresentativeDatasetFile,
    UnitWiseQuantizationSpec,
)
from penstock._src.util.export import export

_NAMESPACE = "quantization.experimental"
for _message in (
    QuantizationComponentSpec,
    QuantizationMethod,
    QuantizationOptions,
    UnitWiseQuantizationSpec,
):
    export(f"{_NAMESPACE}.{_message.__name__}")(_message)


@export(f"{_NAMESPACE}.TfRecordRepresentativeDatasetSaver")
class TfRecordRepresentativeDatasetSaver:
    """Writes samples of a model's inputs to files of records.

    Args:
      path_map: {signature: path of its file}.
      expected_input_key_map: {signature: names of its inputs}, to be checked.

    Raises:
      KeyError: their signatures differ.
    """

    def __init__(
        self,
        path_map: Mapping[str, Any],
        expected_input_key_map: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        if expected_input_key_map is not None and set(path_map) != set(expected_input_key_map):
            raise KeyError(
                "The `path_map` and `expected_input_key_map` should have the same set of keys."
            )
        self._paths = path_map
        self._expected = {key: set(names) for key, names in (expected_input_key_map or {}).items()}

    def save(
        self, representative_dataset: Mapping[str, Iterable[Mapping[str, Any]]]
    ) -> dict[str, Any]:
        """Writes the samples of each signature.

        Args:
          representative_dataset: {signature: samples}; a sample is {input: value}.

        Returns:
          {signature: RepresentativeDatasetFile}, for QuantizationOptions.

        Raises:
          ValueError: a signature has no path. KeyError: a sample has other inputs than expected.
        """
        for key in representative_dataset:
            if key not in self._paths:
                raise ValueError(f"SignatureDef key does not exist in the provided path_map: {key}")
        return {key: self._write(key, samples) for key, samples in representative_dataset.items()}

    def _write(self, key: str, samples: Iterable[Mapping[str, Any]]) -> Any:
        path = os.fspath(self._paths[key])
        with TFRecordWriter(path) as writer:
            for sample in samples:
                self._check(key, sample)
                message = RepresentativeDataSample()
                for name, value in sample.items():
                    tensor: Any = convert_to_tensor(value)
                    proto = to_proto(tensor.numpy(), tensor.dtype)
                    message.tensor_proto_inputs[name].CopyFrom(proto)
                writer.write(message.SerializeToString())
        return RepresentativeDatasetFile(tfrecord_file_path=path)

    def _check(self, key: str, sample: Mapping[str, Any]) -> None:
        expected = self._expected.get(key)
        if expected is not None and set(sample) != expected:
            raise KeyError(
                "Invalid input keys for representative sample. The function expects input keys of: "
                f"{expected}. Got: {set(sample)}."
            )
