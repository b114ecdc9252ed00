"""TFLite's files: models that TensorFlow converted, read, allocated and run."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.formats.tflite.schema import Record, decode_model, encode_model
from penstock._src.formats.tflite.schema.language import SCALARS
from tests.fuzz.files.formats.format import Format, plain

MODELS = Path(__file__).parents[3] / "formats" / "tflite" / "recorded"


def _make(name: str) -> Callable[[Path], None]:
    return lambda folder: shutil.copy(MODELS / f"{name}.tflite", folder / "model.tflite")


def run(folder: Path) -> Any:
    """Returns the outputs of the model for zeros."""
    interpreter = tf.lite.Interpreter(str(folder / "model.tflite"))
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    return [plain(interpreter.get_tensor(detail["index"])) for detail in outputs]


def _records(record: Record) -> list[Record]:
    """A record and all below it."""
    found = [record]
    for field in record.TABLE.fields:
        value = getattr(record, field.name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Record):
                found += _records(item)
    return found


def in_tables(choice: random.Random, name: str, data: bytes) -> bytes:
    """Changes numbers in the model's tables, which stay tables."""
    model = decode_model(data, name)
    every = _records(model)
    for _ in range(choice.choice([1, 1, 2, 4])):
        record = choice.choice(every)
        fields = [f for f in record.TABLE.fields if f.kind == "scalar" and f.name != "data"]
        if not fields:
            continue
        field = choice.choice(fields)
        value = getattr(record, field.name)
        dtype = np.dtype(SCALARS[field.type])
        draws = [-1, 0, 1, 2, 3, 7, 127, 1 << 30, choice.randrange(1 << 16)]
        number = np.array(choice.choice(draws)).astype(dtype)
        if not field.is_vector:
            setattr(record, field.name, number.item())
        elif value is not None and len(value):
            changed = np.array(value)
            changed[choice.randrange(len(changed))] = number
            cut = choice.random() < 0.3
            setattr(record, field.name, changed[:-1] if cut else changed)
    return encode_model(model)


FORMATS = (
    Format("tflite_float", _make("cnn_float"), run, errors=(ValueError, RuntimeError)),
    Format("tflite_quantized", _make("cnn_int8io"), run, errors=(ValueError, RuntimeError)),
    Format("tflite_control", _make("control"), run, errors=(ValueError, RuntimeError)),
    *(
        Format(
            f"tflite_tables_{name}",
            _make(name),
            run,
            errors=(ValueError, RuntimeError),
            mutate=in_tables,
        )
        for name in ("cnn_int8io", "control", "lstm_float")
    ),
)
