"""The formats: a valid sample of each, its reader, and what its errors may be."""

from tests.fuzz.files.formats import (
    checkpoints,
    data,
    encoded,
    keras_files,
    kernels,
    models,
    onnx_files,
    tflite_files,
)
from tests.fuzz.files.formats.format import Format

MODULES = (checkpoints, data, encoded, keras_files, kernels, models, onnx_files, tflite_files)
FORMATS: dict[str, Format] = {made.name: made for module in MODULES for made in module.FORMATS}
