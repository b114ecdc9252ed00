"""Sequence examples, sparse tensors and JSON, as TensorFlow 2.21 parses and writes them."""

import pytest

import penstock as tf


def _example(k):
    example = tf.train.SequenceExample()
    example.context.feature["a"].int64_list.value.append(3 + k)
    for j in range(2 + k):
        dense = example.feature_lists.feature_list["b"].feature.add()
        dense.float_list.value.extend([1.0 + j, 2.0])
        ragged = example.feature_lists.feature_list["v"].feature.add()
        ragged.int64_list.value.extend(range(j))
    return example.SerializeToString()


CONTEXT = {"a": tf.io.FixedLenFeature([], tf.int64)}
STEPS = {
    "b": tf.io.FixedLenSequenceFeature([2], tf.float32),
    "v": tf.io.VarLenFeature(tf.int64),
}


def test_one_example():
    context, steps = tf.io.parse_single_sequence_example(_example(0), CONTEXT, STEPS)
    assert context["a"].numpy() == 3
    assert steps["b"].numpy().tolist() == [[1, 2], [2, 2]]
    assert steps["v"].indices.numpy().tolist() == [[1, 0]]


def test_a_batch_is_padded():
    _, steps, lengths = tf.io.parse_sequence_example([_example(0), _example(1)], CONTEXT, STEPS)
    assert lengths["b"].numpy().tolist() == [2, 3]
    assert steps["b"].numpy()[0].tolist() == [[1, 2], [2, 2], [0, 0]]
    assert steps["v"].dense_shape.numpy().tolist() == [2, 3, 2]


def test_ragged_steps():
    ragged = {"v": tf.io.RaggedFeature(tf.int64)}
    _, steps, _ = tf.io.parse_sequence_example([_example(0), _example(1)], None, ragged)
    assert steps["v"].to_list() == [[[], [0]], [[], [0], [0, 1]]]


def test_a_missing_list_is_an_error_unless_allowed():
    feature = tf.io.FixedLenSequenceFeature([], tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="'z' is required"):
        tf.io.parse_single_sequence_example(_example(0), None, {"z": feature})
    feature = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
    _, steps = tf.io.parse_single_sequence_example(_example(0), None, {"z": feature})
    assert steps["z"].shape == [0]


def test_in_a_function():
    parse = tf.function(lambda x: tf.io.parse_single_sequence_example(x, CONTEXT, STEPS))
    assert parse(tf.constant(_example(0)))[1]["b"].shape == [2, 2]


def test_sparse_rows_come_back():
    sparse = tf.sparse.from_dense([[1, 0], [0, 2]])
    rows = tf.io.serialize_many_sparse(sparse)
    back = tf.io.deserialize_many_sparse(rows, tf.int32)
    assert tf.sparse.to_dense(back).numpy().tolist() == [[1, 0], [0, 2]]


def test_numbers_of_json_have_a_tag_each():
    text = '{"features": {"feature": {"a": {"int64List": {"value": ["1"]}}}}}'
    expected = b"\n\x0b\n\t\n\x01a\x12\x04\x1a\x02\x08\x01"
    assert tf.io.decode_json_example(text).numpy() == expected


def test_several_examples_are_not_one():
    with pytest.raises(ValueError, match="Input serialized must be a scalar"):
        tf.io.parse_single_sequence_example([b""], None, {"t": tf.io.VarLenFeature(tf.int64)})


def _decoded(features):
    return tf.io.decode_json_example('{"features":{"feature":{' + features + "}}}").numpy()


def test_features_of_json_keep_their_order():
    # recorded from TensorFlow 2.21
    expected = (
        b"\n\x1b\n\t\n\x01z\x12\x04\x1a\x02\x08\x01\n\x05\n\x01y\x12\x00\n\x07\n\x01x\x12\x02\n\x00"
    )
    assert (
        _decoded('"z":{"int64List":{"value":["1"]}},"y":{},"x":{"bytes_list":{"value":[]}}')
        == expected
    )


@pytest.mark.parametrize(
    "number, encoded",
    [
        ("3.4028235e38", b"\xff\xff\x7f\x7f"),
        ("-0.0", b"\x00\x00\x00\x80"),
        ('"1.5"', b"\x00\x00\xc0\x3f"),
    ],
)
def test_floats_of_json(number, encoded):
    assert _decoded('"a":{"floatList":{"value":[' + number + "]}}").endswith(b"\x05\r" + encoded)


@pytest.mark.parametrize(
    "feature",
    ['"int64List":{"value":[9223372036854775808]}', '"int64List":{"value":[1.5]}', '"int64List":{"value":[true]}',
     '"floatList":{"value":[3.5e38]}', '"floatList":{"value":[1e400]}', '"int64List":{},"floatList":{}', '"other":{}'],
)  # fmt: skip
def test_json_that_is_no_feature_is_refused(feature):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Error while parsing JSON"):
        _decoded('"a":{' + feature + "}")


@pytest.mark.parametrize("others", ["", ',"b":{"floatList":{"value":["1.5"]}}'])
@pytest.mark.parametrize(
    "text", ["*", "YQ=", "YQ===", "Y Q==", "YQ==YQ==", "=", "====", "a*bc", "é", "Y"]
)
def test_bytes_of_json_that_are_not_base64_are_refused(text, others):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Error while parsing JSON"):
        _decoded('"a":{"bytesList":{"value":["' + text + '"]}}' + others)


@pytest.mark.parametrize(
    "feature, encoded",
    [
        ("null", b"\n\x05\n\x03\n\x01a"),
        ('{"bytesList":{"value":["YWI", null]}}', b"\n\x0f\n\r\n\x01a\x12\x08\n\x06\n\x02ab\n\x00"),
        ('{"int64List":{"value":[null]}}', b"\n\x0b\n\t\n\x01a\x12\x04\x1a\x02\x08\x00"),
        (
            '{"floatList":{"value":2}}',
            b"\n\x0e\n\x0c\n\x01a\x12\x07\x12\x05\r\x00\x00\x00@",
        ),
    ],
)
def test_json_without_values_or_lists(feature, encoded):
    # recorded from TensorFlow 2.21
    assert _decoded('"a":' + feature) == encoded


@pytest.mark.parametrize(
    "parse", [tf.io.parse_sequence_example, tf.io.parse_single_sequence_example]
)
def test_defaults_and_features_without_effect_are_refused(parse):
    message = _example(0) if parse is tf.io.parse_single_sequence_example else [_example(0)]
    filled = tf.io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True, default_value=-1)
    with pytest.raises(ValueError, match="must be None"):
        parse(message, CONTEXT, {"b": filled})
    with pytest.raises(ValueError, match="Unsupported FixedLenSequenceFeature .* for key 'a'"):
        parse(message, {"a": filled}, STEPS)
    with pytest.raises(ValueError, match="Unsupported FixedLenFeature .* for key 'a'"):
        parse(message, {}, CONTEXT)
