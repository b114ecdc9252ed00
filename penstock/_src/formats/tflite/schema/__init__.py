"""The tables of TFLite's files. In: bytes of a file; out: records, and back.

`language.py` explains how tables are declared; `model.py`, `options.py` and `enums.py` declare them, with the
numbers of TFLite's own schema (version 3). A new builtin op is a name in `enums.py` and its options in `options.py`.
"""

from typing import Any

import numpy as np

from penstock._src.formats.tflite.schema import enums, model, options
from penstock._src.formats.tflite.schema.decoding import Decoder, ModelFileError
from penstock._src.formats.tflite.schema.encoding import encode, encode_options
from penstock._src.formats.tflite.schema.language import Record, Schema

__all__ = [
    "IDENTIFIER",
    "SCHEMA",
    "ModelFileError",
    "Record",
    "decode_model",
    "encode_model",
    "encode_options",
]

SCHEMA = Schema(model.TEXT, options.TEXT, enums.TEXT)
IDENTIFIER = b"TFL3"

TensorType = SCHEMA.enums["TensorType"]
BuiltinOperator = SCHEMA.enums["BuiltinOperator"]
ActivationFunctionType = SCHEMA.enums["ActivationFunctionType"]
Padding = SCHEMA.enums["Padding"]


def decode_model(data: Any, file: str) -> Any:
    """Returns the record `Model` of a file's bytes, with views of them as buffers.

    Raises:
      ModelFileError: the file is damaged, or none of TFLite's.
    """
    return Decoder(SCHEMA, data, file).root("Model", IDENTIFIER)


def encode_model(model: Record) -> bytes:
    """Returns the bytes of a file with the record `Model`.

    Raises:
      ImportError: flatbuffers is not installed.
      InvalidArgumentError: it would exceed 2 GB.
    """
    return encode(SCHEMA, model, IDENTIFIER)


def verify_options() -> np.ndarray:
    """Returns the options of the custom op NumericVerify: it reports nothing itself below a large tolerance.

    Raises:
      ImportError: flatbuffers is not installed.
    """
    return encode_options({"tolerance": 5.0, "log_if_failed": True})
