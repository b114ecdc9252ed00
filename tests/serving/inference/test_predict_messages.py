"""Predict's messages with large tensors are read and written as protocol buffers are."""

import random

import numpy as np
import pytest
from google.protobuf.message import DecodeError

import penstock as tf
from penstock._src.core import dtypes, errors
from penstock._src.serving.inference import predict_messages
from penstock._src.serving.inference.predict_messages import PredictRequest, PredictResponse
from penstock._src.serving.inference.tensor_protos import array_of
from penstock._src.serving.protos import apis
from penstock._src.serving.servables.servable import TensorInfo


def request_of(**arrays):
    message = apis.PredictRequest(output_filter=["y", "z"])
    message.model_spec.name = "half"
    for name, array in arrays.items():
        proto = message.inputs[name]
        proto.CopyFrom(tf.make_tensor_proto(array))
        if array.dtype.kind in "bc":  # TensorFlow writes these as numbers
            proto.ClearField("bool_val")
            proto.ClearField("scomplex_val")
            proto.tensor_content = array.tobytes()
    return message


def by_value(array, field):
    message = request_of(x=array)
    proto = message.inputs["x"]
    proto.ClearField("tensor_content")
    getattr(proto, field)[:] = array.ravel().tolist()
    return message


def read(request, name, dtype):
    info = TensorInfo(dtype, None)
    return array_of(request.inputs[name], info, name, 1 << 30, request.contents.get(name))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "complex64", "bool", "bfloat16"])  # fmt: skip
def test_contents(dtype):
    kind = dtypes.as_dtype(dtype)
    large = np.arange(60_000).reshape(3, -1).astype(kind.np)
    request = PredictRequest.FromString(request_of(x=large, small=large[:, :3]).SerializeToString())
    assert list(request.contents) == ["x"] and not request.inputs["x"].tensor_content
    found = read(request, "x", kind)
    np.testing.assert_array_equal(found, large)
    is_view = np.shares_memory(found, np.frombuffer(request.contents["x"].data, np.uint8))
    assert is_view == (large.dtype.kind in "iufc")
    np.testing.assert_array_equal(read(request, "small", kind), large[:, :3])
    assert request.model_spec.name == "half" and list(request.output_filter) == ["y", "z"]


@pytest.mark.parametrize(("dtype", "field"), [("float32", "float_val"), ("float64", "double_val")])
def test_packed_numbers(dtype, field):
    kind = dtypes.as_dtype(dtype)
    large = np.arange(30_000).reshape(-1, 2).astype(kind.np)
    request = PredictRequest.FromString(by_value(large, field).SerializeToString())
    assert list(request.contents) == ["x"]
    np.testing.assert_array_equal(read(request, "x", kind), large)


def test_the_last_number_fills_the_rest():
    message = by_value(np.arange(30_000, dtype=np.float32), "float_val")
    del message.inputs["x"].float_val[29_000:]
    request = PredictRequest.FromString(message.SerializeToString())
    assert request.contents
    assert set(read(request, "x", dtypes.float32)[29_000:]) == {28_999.0}


def test_contents_that_do_not_fit():
    message = request_of(x=np.zeros(30_000, np.float32))
    message.inputs["x"].tensor_shape.dim[0].size = 7
    request = PredictRequest.FromString(message.SerializeToString())
    with pytest.raises(errors.InvalidArgumentError, match="120000 bytes do not fit"):
        read(request, "x", dtypes.float32)


def test_irregular_messages_are_read_whole():
    plain = request_of(x=np.arange(30_000, dtype=np.float32))
    data = plain.SerializeToString()
    twice = data + request_of(x=np.ones(30_000, np.float32)).SerializeToString()
    both = apis.PredictRequest.FromString(data)
    both.inputs["x"].float_val.extend([1.0] * 9000)
    many = request_of(x=np.array([b"text"] * 9000, object))
    for each in (twice, both.SerializeToString(), many.SerializeToString()):
        request = PredictRequest.FromString(each)
        assert not request.contents
        expected = apis.PredictRequest.FromString(each)
        assert request.inputs["x"] == expected.inputs["x"]


def test_damaged_messages_are_those_that_are_damaged_otherwise(monkeypatch):
    monkeypatch.setattr(predict_messages, "_LARGE", 40)
    source = random.Random(7)
    whole = request_of(x=np.arange(20, dtype=np.float32), y=np.arange(3.0)).SerializeToString()
    split = 0
    for _ in range(20_000):
        data = bytearray(whole)
        for _ in range(source.choice((1, 1, 2, 5))):
            data[source.randrange(min(len(data), 60))] = source.randrange(256)
        data = bytes(data[: source.choice((len(data), len(data), source.randrange(len(data))))])
        try:
            expected = apis.PredictRequest.FromString(data)
        except DecodeError:
            expected = None
        try:
            found = PredictRequest.FromString(data)
        except DecodeError:
            found = None
        assert (found is None) == (expected is None)
        if found is None:
            continue
        split += bool(found.contents)
        assert found.model_spec == expected.model_spec
        assert set(found.inputs) == set(expected.inputs)
        for name, content in found.contents.items():
            predict_messages.put_back(found.inputs[name], content)
        for name in expected.inputs:
            assert found.inputs[name].SerializeToString(deterministic=True) == expected.inputs[
                name
            ].SerializeToString(deterministic=True)
    assert split > 1000


def test_replies():
    arrays = {
        "a": (np.arange(40_000, dtype=np.float32).reshape(2, -1), True),
        "b": (np.arange(40_000, dtype=np.float64)[::2], True),
        "c": (np.arange(40_000), False),
        "d": (np.float32([1]), False),
    }
    reply = PredictResponse(apis.PredictResponse(model_spec={"name": "half"}))
    for name, (array, is_large) in arrays.items():
        assert reply.add(name, array, dtypes.as_dtype(array.dtype)) == is_large
    found = apis.PredictResponse.FromString(reply.SerializeToString())
    assert found.model_spec.name == "half" and sorted(found.outputs) == ["a", "b"]
    for name in "ab":
        np.testing.assert_array_equal(tf.make_ndarray(found.outputs[name]), arrays[name][0])
    assert PredictResponse(apis.PredictResponse()).SerializeToString() == b""
