"""Messages to tensors and back. The expected tensors are TensorFlow's."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

import penstock as tf

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
