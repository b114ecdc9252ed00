"""ONNX models, with a loop, a condition and strings."""

import random
from pathlib import Path
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read
from penstock._src.formats.onnx.schema import ModelProto
from tests.formats.onnx.models import graph, model, node, value
from tests.fuzz.files.formats.format import Format
from tests.fuzz.files.messages import changed


def make(folder: Path) -> None:
    """Writes a model of operators of many kinds."""
    draw = np.random.default_rng(0)
    body = graph(
        [node("Identity", "go", "again"), node("Mul", "s k", "t"), node("ReduceSum", "t", "u")],
        [value("i", [], dtypes.int64), value("go", [], dtypes.bool_), value("s", ["n", 6])],
        [
            value("again", [], dtypes.bool_),
            value("t", ["n", 6]),
            value("u", ["one", "one"]),
        ],
    )
    branches = {
        name: graph([node(op, "looped", name)], [], [value(name, ["n", 6])])
        for name, op in (("then_branch", "Relu"), ("else_branch", "Neg"))
    }
    main = graph(
        [
            node("Conv", "x w b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
            node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", "p", "f", axis=1),
            node("Gemm", "f v", "g", transB=1, alpha=0.5),
            node("Loop", "count - g", "looped sums", body=body),
            node("ReduceMax", "sums", "most", keepdims=0),
            node("Greater", "most zero", "positive"),
            node("If", "positive", "y", **branches),
            node("Resize", "x - scales", "r", mode="linear"),
            node("Reshape", "r shape", "z", allowzero=0),
            node("Cast", "y", "s", to=8),
        ],
        [value("x", ["n", 2, 8, 8])],
        [value("y", ["n", 6]), value("z", ["n", 512]), value("s", ["n", 6], dtypes.string)],
        w=draw.normal(size=(3, 2, 3, 3)).astype(np.float32),
        b=draw.normal(size=3).astype(np.float32),
        v=draw.normal(size=(6, 12)).astype(np.float32),
        k=np.float32([1.5]),
        zero=np.float32(0),
        count=np.array(3, np.int64),
        scales=np.float32([1, 1, 2, 2]),
        shape=np.array([0, -1], np.int64),
    )
    (folder / "model.onnx").write_bytes(model(main).SerializeToString())


def read_model(folder: Path) -> Any:
    """The function of the damaged file."""
    return read(str(folder / "model.onnx"))


def in_message(choice: random.Random, name: str, data: bytes) -> bytes:
    """Changes fields of the model, which stays a message."""
    message = ModelProto.FromString(data)
    changed(choice, message, choice.choice([1, 1, 2, 4]))
    return message.SerializeToString()


FORMATS = [
    Format("onnx", make, read_model, exact=False),
    Format("onnx-messages", make, read_model, exact=False, mutate=in_message),
]
