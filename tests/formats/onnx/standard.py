"""The ONNX standard's own tests (`onnx.backend.test`), run by models that Penstock has read."""

import fcntl
import functools
import glob
import hashlib
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from penstock._src.formats.onnx.schema import ModelProto

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
BUILD = Path(__file__).resolve().parents[3] / "build"
# What random numbers decide, which differ between generators.
RANDOM = ("test_bernoulli", "test_training_dropout")
EVERY = -np.ones((), np.int32)  # the shape of a list's elements: any


@dataclass(frozen=True)
class Case:
    """A test: a model as bytes, pairs of inputs and outputs, tolerances."""

    name: str
    model: bytes
    data: Any
    rtol: float
    atol: float

    @functools.cached_property
    def proto(self):
        return ModelProto.FromString(self.model)

    @property
    def operators(self) -> list[str]:
        return sorted({node.op_type for node in self.proto.graph.node})


@functools.cache
def cases() -> list[Case]:
    """All tests of the standard that come with data in the wheel.

    The standard computes most of the data, for a dozen seconds: the first process keeps it for others.
    """
    import onnx

    versions = f"{onnx.__version__} {np.__version__} {Path(__file__).read_text()}"
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"onnx-cases-{hashlib.sha256(versions.encode()).hexdigest()[:16]}"
    with open(BUILD / "onnx-cases.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(pickle.dumps(list(_cases())))
            partial.replace(path)
    return pickle.loads(path.read_bytes())


def _cases() -> Iterator[Case]:
    import onnx
    from onnx.backend.test.loader import load_model_tests

    with np.errstate(all="ignore"):  # the standard makes its data with infinities on purpose
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                if case.model is not None:
                    model, data = case.model, case.data_sets
                else:
                    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
                    data = list(_data_of(case.model_dir, model))
                sets = [([_value(v) for v in i], [_value(v) for v in o]) for i, o in data]
                yield Case(case.name, model.SerializeToString(), sets, case.rtol, case.atol)


def _data_of(folder, model):
    for place in sorted(glob.glob(os.path.join(folder, "test_data_set_*"))):
        yield [
            _loaded(place, "input", model.graph.input),
            _loaded(place, "output", model.graph.output),
        ]


def _loaded(folder, kind, infos):
    import onnx

    messages = {
        "tensor_type": onnx.TensorProto,
        "sequence_type": onnx.SequenceProto,
        "optional_type": onnx.OptionalProto,
    }
    found = []
    for position, info in enumerate(infos):
        path = os.path.join(folder, f"{kind}_{position}.pb")
        if os.path.exists(path):
            message = messages[info.type.WhichOneof("value")]()
            with open(path, "rb") as file:
                message.ParseFromString(file.read())
            found.append(message)
    return found


def _value(message):
    import onnx
    from onnx import numpy_helper

    if isinstance(message, onnx.TensorProto):
        return numpy_helper.to_array(message)
    if isinstance(message, onnx.SequenceProto):
        return numpy_helper.to_list(message)
    if isinstance(message, onnx.OptionalProto):
        return numpy_helper.to_optional(message)
    if isinstance(message, list):
        return [_value(m) for m in message]
    return message


def run(case: Case) -> None:
    """Reads the model, runs it on all inputs and compares the outputs.

    Inputs that must be known before the model runs are bound as constants.
    """
    graph = case.proto.graph
    names = [i.name for i in graph.input if i.name not in {t.name for t in graph.initializer}]
    fixed: dict[str, Any] = {}
    try:
        model = read_proto(case.proto)
    except tf.errors.UnimplementedError:
        fixed = _settings(dict(zip(names, case.data[0][0], strict=False)))
        if not fixed:
            raise
        model = read_proto(case.proto, constants=fixed)
    function = model.signatures["serving_default"]
    for inputs, outputs in case.data:
        given = [v for name, v in zip(names, inputs, strict=False) if name not in fixed]
        tensors = [_tensor(v, t.dtype) for v, t in zip(given, function.inputs, strict=False)]
        found = function(**dict(zip(function.argument_names, tensors, strict=True)))
        for info, expected in zip(graph.output, outputs, strict=True):
            _compare(_array(found[info.name], expected), expected, case)


def _settings(inputs):
    """Small integers among inputs: axes, sizes, flags."""
    small = (
        isinstance(v, np.ndarray) and v.dtype.kind in "ib" and v.size < 16 for v in inputs.values()
    )
    found = {name: v for (name, v), fits in zip(inputs.items(), small, strict=True) if fits}
    return found if len(found) < len(inputs) else {}


def _bytes(array):
    held = [v.encode() if isinstance(v, str) else v for v in array.flat]
    return np.array(held, object).reshape(array.shape)


def _tensor(value, dtype):
    if dtype == tf.variant:
        items = value or []
        kind = tf.as_dtype(items[0].dtype) if items else tf.float32
        handle = tf.raw_ops.EmptyTensorList(
            element_shape=EVERY, max_num_elements=EVERY, element_dtype=kind
        )
        for item in items:
            handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=tf.constant(item))
        return handle
    value = np.asarray(value)
    return tf.constant(_bytes(value) if value.dtype.kind in "UO" else value, dtype)


def _array(tensor, expected):
    if tensor.dtype != tf.variant:
        return tensor.numpy()
    kind = tf.as_dtype(expected[0].dtype) if len(expected) else tf.float32
    count = tf.raw_ops.TensorListLength(input_handle=tensor).numpy()
    return [
        tf.raw_ops.TensorListGetItem(
            input_handle=tensor, index=i, element_shape=EVERY, element_dtype=kind
        ).numpy()
        for i in range(count)
    ]


def _compare(actual, expected, case):
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            _compare(one, other, case)
        return
    expected = np.asarray(expected)
    if expected.dtype.kind in "UO":
        np.testing.assert_array_equal(actual, _bytes(expected))
        return
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if actual.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected)
        return
    wide = np.complex128 if actual.dtype.kind == "c" else np.float64
    # The standard's runner gives bfloat16 two units in the last place.
    rtol = max(case.rtol, 2**-6) if actual.dtype.name == "bfloat16" else case.rtol
    np.testing.assert_allclose(
        actual.astype(wide), expected.astype(wide), rtol=rtol, atol=case.atol
    )
