"""Examples parsed into dense, sparse and ragged features."""

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.proto.example import Example


def example(**features):
    made = Example()
    for name, (kind, values) in features.items():
        getattr(made.features.feature[name], kind).value.extend(values)
    return made.SerializeToString()


FIRST = example(a=("float_list", [1, 2]), s=("bytes_list", [b"x"]), v=("int64_list", [9]))
SECOND = example(s=("bytes_list", [b"y", b"z"]), v=("int64_list", [1, 2, 3]))


def parse(serialized, default, shape=(2,)):
    return raw.ParseExampleV2(
        serialized=serialized, names=np.zeros(0, object), sparse_keys=["s"], dense_keys=["a"],
        ragged_keys=["v"], dense_defaults=[np.float32(default)], num_sparse=1,
        sparse_types=["string"], ragged_value_types=["int64"], ragged_split_types=["int64"],
        dense_shapes=[list(shape)],
    )  # fmt: skip


def test_features():
    found = parse([FIRST, SECOND], [7, 8])
    assert found.dense_values[0].numpy().tolist() == [[1, 2], [7, 8]]
    assert found.sparse_indices[0].numpy().tolist() == [[0, 0], [1, 0], [1, 1]]
    assert found.sparse_shapes[0].numpy().tolist() == [2, 2]
    assert found.ragged_values[0].numpy().tolist() == [9, 1, 2, 3]
    assert found.ragged_row_splits[0].numpy().tolist() == [0, 1, 4]


def test_a_missing_feature_without_default_is_rejected():
    with pytest.raises(InvalidArgumentError, match=r"Feature: a \(data type: float\) is required"):
        parse([FIRST, SECOND], [])
    with pytest.raises(InvalidArgumentError, match="Values size: 2 but output shape: \\[3\\]"):
        parse([FIRST], [], (3,))


def test_lengths_that_are_no_multiple_of_a_row_are_rejected():
    message = r"Key: a, Index: 1.  Number of float values is not a multiple of stride length. Saw 2 values but output shape is: \[\?,3,1\]"
    with pytest.raises(InvalidArgumentError, match=message):
        parse([SECOND, FIRST], [0], (None, 3, 1))


def test_maps_over_several_examples_report_or_read_irregular_ones():
    spec = {"v": tf.io.FixedLenFeature([], tf.int64)}

    def parsed_column(rows):
        return [
            item["v"].numpy()
            for item in tf.data.Dataset.from_tensor_slices(rows).map(
                lambda row: tf.io.parse_single_example(row, spec)
            )
        ]

    unknown_field = FIRST + b"\x12\x01x"
    assert parsed_column([FIRST, unknown_field, FIRST]) == [9, 9, 9]
    with pytest.raises(InvalidArgumentError, match="Feature: v .data type: int64. is required"):
        parsed_column([FIRST, example(a=("float_list", [1])), FIRST])
