"""Columns of examples, read by native code, beside what the protocol buffers' own library reads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.parsing.columns import ExampleColumns, IrregularError
from penstock._src.ops.parsing.example import ExampleBatch, ParseExampleV2
from penstock._src.proto.example import Example

KEYS = ("age", "", "né", "weights", "words")
KINDS = {"int64_list": dtypes.int64, "float_list": dtypes.float32, "bytes_list": dtypes.string}
VALUES = {
    "int64_list": st.integers(-(2**63), 2**63 - 1),
    "float_list": st.floats(width=32),
    "bytes_list": st.binary(max_size=9),
}


@st.composite
def examples(draw):
    """A batch in which a key has values of one kind, values that are missing, and others that nobody asks for."""
    kinds = {key: draw(st.sampled_from(sorted(KINDS))) for key in KEYS}
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        example = Example()
        for key in draw(st.permutations([*KEYS, "unasked"])):
            kind = kinds.get(key, "bytes_list")
            if draw(st.booleans()):
                values = draw(st.lists(VALUES[kind], max_size=4))
                getattr(example.features.feature[key], kind).value.extend(values)
        rows.append(example.SerializeToString())
    return {key: KINDS[kind] for key, kind in kinds.items()}, rows


def batch_of(rows):
    return ExampleBatch(ParseExampleV2, rows, np.zeros(0, object))


def read(batch, key, dtype):
    """Everything that a batch says about a feature."""
    filler = np.array(b"?" if dtype is dtypes.string else 7, dtype.np)
    padded = batch.dense(key, dtype, TensorShape([None]), filler)
    return (padded, *batch.sparse(key, dtype), *batch.ragged(key, dtype, dtypes.int32))


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tolist() == b.tolist() or np.array_equal(a, b, equal_nan=True)


@given(examples())
@settings(deadline=None)
def test_columns_are_what_the_messages_hold(drawn):
    kinds, rows = drawn
    columns = ExampleColumns(rows, KEYS)
    for key, dtype in kinds.items():
        same(read(columns, key, dtype), read(batch_of(rows), key, dtype))


@given(examples(), st.data())
@settings(deadline=None)
def test_damaged_examples_are_refused_or_read_alike(drawn, data):
    kinds, rows = drawn
    damaged = bytearray(rows[0])
    for _ in range(data.draw(st.integers(1, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    rows = [bytes(damaged), *rows[1:]]
    for key, dtype in kinds.items():
        try:
            found = read(ExampleColumns(rows, KEYS), key, dtype)
        except IrregularError:
            continue
        try:
            expected = read(batch_of(rows), key, dtype)
        except tf.errors.InvalidArgumentError:
            continue  # the damage is in what nobody asked for
        same(found, expected)


def field(number, wire, payload):
    """A field as bytes; payloads are shorter than 128."""
    size = bytes([len(payload)]) if wire == 2 else b""
    return bytes([number << 3 | wire]) + size + payload


def example(key, list_number, values):
    feature = field(list_number, 2, values)
    entry = field(1, 2, key) + field(2, 2, feature)
    return field(1, 2, field(1, 2, entry))


def test_numbers_that_are_not_packed():
    floats = b"".join(field(1, 5, np.float32(x).tobytes()) for x in (1.5, -2.0))
    ints = b"".join(field(1, 0, bytes([n])) for n in (3, 127))
    assert ExampleColumns([example(b"f", 2, floats)], ("f",)).ragged(
        "f", dtypes.float32, dtypes.int64
    )[0].tolist() == [1.5, -2.0]
    assert ExampleColumns([example(b"i", 3, ints)], ("i",)).sparse("i", dtypes.int64)[
        1
    ].tolist() == [3, 127]


@pytest.mark.parametrize(
    "row",
    [
        field(1, 2, b"") + field(1, 2, b""),  # two messages, which are merged
        field(2, 2, b"x"),  # an unknown field
        example(b"i", 3, field(1, 2, b"\x80")),  # a number that is cut off
        example(b"f", 2, field(1, 2, b"abc")),  # a float that is cut off
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # an absurd length
        b"\x0a" + b"\x80" * 11,  # a number without an end
    ],
)
def test_unusual_forms_are_left_to_the_messages(row):
    with pytest.raises(IrregularError):
        for key, dtype in (("i", dtypes.int64), ("f", dtypes.float32)):
            ExampleColumns([row], ("i", "f")).ragged(key, dtype, dtypes.int64)


def test_a_feature_may_be_asked_for_twice():
    row = tf.train.Example(
        features=tf.train.Features(
            feature={"a": tf.train.Feature(int64_list=tf.train.Int64List(value=[5]))}
        )
    ).SerializeToString()
    found = tf.raw_ops.ParseExampleV2(
        serialized=[row],
        names=[],
        sparse_keys=["a"],
        dense_keys=["a"],
        ragged_keys=[],
        dense_defaults=[tf.zeros([0], tf.int64)],
        num_sparse=1,
        sparse_types=[tf.int64],
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=[[1]],
    )
    assert found.sparse_values[0].numpy().tolist() == [5]
    assert found.dense_values[0].numpy().tolist() == [[5]]
