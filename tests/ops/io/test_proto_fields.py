"""Messages to tensors and back. The expected tensors are TensorFlow's."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

import penstock as tf
from penstock._src.proto.tensor import TensorProto

FIELD = descriptor_pb2.FieldDescriptorProto


@pytest.fixture
def source(tmp_path):
    """A file that describes message p.M { int32 a = 1 [default = 7]; repeated float f = 2; string s = 3; }."""
    file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="p", syntax="proto2")
    message = file.message_type.add(name="M")
    for number, (name, kind, label, default) in enumerate(
        [
            ("a", FIELD.TYPE_INT32, FIELD.LABEL_OPTIONAL, "7"),
            ("f", FIELD.TYPE_FLOAT, FIELD.LABEL_REPEATED, ""),
            ("s", FIELD.TYPE_STRING, FIELD.LABEL_OPTIONAL, "dd"),
        ],
        1,
    ):
        field = message.field.add(name=name, number=number, type=kind, label=label)
        if default:
            field.default_value = default
    path = tmp_path / "m.pb"
    path.write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    return str(path)


def decoded(messages, names, types, source, **more):
    sizes, values = tf.io.decode_proto(messages, "p.M", names, types, source, **more)
    return sizes.numpy().tolist(), [v.numpy().tolist() for v in values]


def test_there_and_back(source):
    values = [[[5], [0]], [[1.0, 2.0], [3.0, 0.0]], [["x"], [""]]]
    made = tf.io.encode_proto(
        [[1, 2, 1], [0, 1, 0]], [tf.constant(v) for v in values], ["a", "f", "s"], "p.M", source
    )
    sizes, found = decoded(made, ["a", "f", "s"], [tf.int64, tf.float32, tf.string], source)
    assert sizes == [[1, 2, 1], [0, 1, 0]]
    assert found == [[[5], [7]], [[1, 2], [3, 0]], [[b"x"], [b"dd"]]]


def test_text(source):
    sizes, found = decoded(
        ["a: 3 f: 1.5"], ["a", "f"], [tf.int32, tf.float32], source, message_format="text"
    )
    assert (sizes, found) == ([[1, 1]], [[[3]], [[1.5]]])


def test_known_messages():
    _, (features,) = tf.io.decode_proto(
        tf.train.Example().SerializeToString(), "tensorflow.Example", ["features"], [tf.string]
    )
    assert features.numpy().tolist() == [b""]


@pytest.mark.parametrize(
    ("names", "types", "message"),
    [
        (["q"], [tf.int32], "Unknown field: q"),
        (["a"], [tf.string], "Unexpected output type"),
        (["a", "f"], [tf.int32], "same length"),
    ],
)
def test_wrong_fields(names, types, message, source):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decoded([b""], names, types, source)


def test_damaged_messages(source):
    with pytest.raises(tf.errors.DataLossError):
        decoded([b"\xff\xff"], ["a"], [tf.int32], source)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int32(5), b'\x08\x03\x12\x00"\x04\x05\x00\x00\x00'),
        (
            np.array([1 + 2j]),
            b'\x08\x12\x12\x04\x12\x02\x08\x01"\x10' + np.array([1 + 2j]).tobytes(),
        ),
        (np.bool_(True), b'\x08\n\x12\x00"\x01\x01'),
        (b"ab", b"\x08\x07\x12\x00B\x02ab"),
    ],
)
def test_serialized_tensors_are_the_bytes_of_tensorflow(value, expected):
    assert tf.io.serialize_tensor(value).numpy() == expected


@pytest.mark.parametrize("dtype", ["float32", "bool", "complex128", "bfloat16", "int4", "uint16"])
@pytest.mark.parametrize("shape", [(5000,), (3, 0), (70, 1, 90)])
def test_long_tensors_are_written_and_read_as_by_messages(dtype, shape):
    kind = tf.as_dtype(dtype)
    value = np.random.default_rng(1).integers(0, 2, shape).astype(kind.as_numpy_dtype)
    for x in (value, value.T):
        message = tf.io.serialize_tensor(tf.constant(x)).numpy()
        proto = TensorProto(dtype=kind.as_datatype_enum, tensor_content=x.tobytes())
        proto.tensor_shape.SetInParent()
        for size in x.shape:
            proto.tensor_shape.dim.add(size=size)
        assert message == proto.SerializeToString()
        np.testing.assert_array_equal(tf.io.parse_tensor(message, kind), x)


def test_fields_around_the_bytes_of_long_tensors_are_read():
    value = np.arange(2000, dtype=np.int32)
    message = tf.io.serialize_tensor(value).numpy()
    first = b'"\x08' + b"12345678"
    for whole in (first + message, message[2:] + message[:2], message + b"\x18\x05"):
        np.testing.assert_array_equal(tf.io.parse_tensor(whole, tf.int32), value)
    for damaged in (message[:-1], message + b"\x80", message + b"\x00"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot parse tensor"):
            tf.io.parse_tensor(damaged, tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not fit"):
        tf.io.parse_tensor(message + first, tf.int32)
    numbers = TensorProto(dtype=3, int_val=list(range(5000)))
    numbers.tensor_shape.dim.add(size=5000)
    parsed = tf.io.parse_tensor(numbers.SerializeToString(), tf.int32)
    np.testing.assert_array_equal(parsed, np.arange(5000))
