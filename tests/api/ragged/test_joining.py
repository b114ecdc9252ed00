"""Concatenating, stacking, crossing and partitioning ragged tensors, as TensorFlow 2.21 does."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw

INVALID = (ValueError, tf.errors.InvalidArgumentError)
ROWS = tf.ragged.constant([[1, 2], [3]])


def test_stacked_tensors_are_cut_only_where_needed():
    stacked = tf.ragged.stack([tf.zeros([2, 2, 3]), tf.zeros([3, 4, 3])])
    assert stacked.shape.as_list() == [2, None, None, 3]
    assert tf.ragged.stack([tf.zeros([2, 3])] * 2, axis=1).shape == [2, 2, 3]
    rows = tf.RaggedTensor.from_tensor(tf.zeros([2, 3, 4]))
    assert tf.concat([rows, tf.zeros([2, 3, 4])], axis=2).shape.as_list() == [2, None, 8]


def test_joined_rows_must_match():
    with pytest.raises(INVALID):
        tf.concat([ROWS, tf.ragged.constant([[1]])], axis=1)
    deep = tf.ragged.constant([[[1], [2]], [[3]]])
    with pytest.raises(INVALID):
        tf.concat([deep, tf.ragged.constant([[[1]], [[3], [4]]])], axis=2)
    with pytest.raises(ValueError, match="out of bounds"):
        tf.concat([ROWS, ROWS], axis=2)


def test_crosses_take_values_of_sparse_tensors():
    sparse = tf.compat.v1.SparseTensorValue([[0, 0], [1, 0]], ["a", "b"], [2, 1])
    assert tf.ragged.cross([ROWS, sparse]).to_list() == [[b"1_X_a", b"2_X_a"], [b"3_X_b"]]


def test_crosses_keep_narrow_row_splits():
    narrow = tf.ragged.constant([[1, 2], [3]], row_splits_dtype=tf.int32)
    assert tf.ragged.cross([narrow, narrow]).row_splits.dtype == tf.int32
    assert tf.ragged.cross([narrow, ROWS]).row_splits.dtype == tf.int64


def _cross(**columns):
    lists = ["ragged_values", "ragged_row_splits", "sparse_indices", "sparse_values",
             "sparse_shape", "dense_inputs"]  # fmt: skip
    return raw.RaggedCross(
        **({name: [] for name in lists} | columns), hashed_output=False, num_buckets=0, hash_key=1,
        out_values_type=tf.string, out_row_splits_type=tf.int64,
    )  # fmt: skip


@pytest.mark.parametrize(
    "splits", [[], [-3, 0], [0, 1, 2, 10], [0, 2, 2, 1], [1, 3]], ids=lambda splits: str(splits)
)
def test_wrong_splits_are_refused(splits):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid ragged splits"):
        _cross(
            ragged_values=[np.arange(3)],
            ragged_row_splits=[np.array(splits, np.int64)],
            input_order="R",
        )


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"dense_inputs": [[1]], "input_order": "D"}, "rank=2"),
        ({"dense_inputs": [[[1]], [[1], [2]]], "input_order": "DD"}, "same batch dimension"),
        ({"ragged_values": [[1]], "input_order": "R"}, "must have the same length"),
    ],
)
def test_wrong_columns_are_refused_while_the_graph_is_built(columns, message):
    def at_int64(x):
        return [np.array(v, np.int64) for v in x] if isinstance(x, list) else x

    columns = {name: at_int64(x) for name, x in columns.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _cross(**columns)
    with pytest.raises(ValueError, match=message):
        tf.function(lambda: _cross(**columns)).get_concrete_function()


def test_partitions_are_checked():
    stack = tf.ragged.stack_dynamic_partitions
    for data, partitions, message in (
        ([1, 2, 3], [0, 5, 1], "must be less than num_partitions"),
        ([1, 2, 3], [0, -1, 1], "must be non-negative"),
        (ROWS, tf.ragged.constant([[0], [1, 1]]), "incompatible ragged shapes"),
    ):
        for f in (stack, tf.function(stack)):
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                f(data, partitions, 2)
    with pytest.raises(ValueError, match=r"Shapes \(2,\) and \(3,\) are incompatible"):
        stack([1, 2, 3], [0, 1], 2)


def test_ragged_partitions_of_dense_data():
    data, partitions = tf.constant([[1, 2], [3, 4]]), tf.ragged.constant([[0, 1], [1, 0]])
    found = tf.ragged.stack_dynamic_partitions(data, partitions, 3)
    assert found.to_list() == [[1, 4], [2, 3], []]
    assert tf.ragged.stack_dynamic_partitions([[1, 2]], 1, 2).to_list() == [[], [[[1, 2]]]]


def test_sparse_rows_must_be_filled_from_the_left():
    f = tf.RaggedTensor.from_sparse
    for indices in ([[0, 1], [0, 2]], [[0, 0], [2, 1]], [[0, 0], [0, 0]]):
        sparse = tf.SparseTensor(indices, [1, 2], [3, 3])
        for run in (f, tf.function(f)):
            with pytest.raises(tf.errors.InvalidArgumentError, match="not right-ragged"):
                run(sparse)
    assert f(tf.SparseTensor([[0, 0], [2, 0]], [1, 2], [3, 3])).to_list() == [[1], [], [2]]


def test_ranges_that_do_not_fit_name_their_shapes():
    with pytest.raises(INVALID, match=r"same shape\. Received: \[2\], \[3\], \[\]"):
        tf.ragged.range([1, 2], [1, 2, 3])
    with pytest.raises(INVALID, match=r"starts must be a scalar or vector.*\[1,1\]"):
        tf.ragged.range([[1]], 3)


def test_ranges_know_their_number_of_rows():
    assert tf.ragged.range([1, 2, 3]).shape.as_list() == [3, None]
    f = tf.function(lambda: tf.ragged.range([0], [1, 2]))
    with pytest.raises(ValueError, match="Dimensions must be equal"):
        f.get_concrete_function()


def test_ranges_over_all_integers():
    low, high = np.int64(-(2**63)), np.int64(2**63 - 1)
    found = tf.ragged.range(low, high, np.int64(2**62))
    assert found.to_list() == [[-(2**63), -(2**62), 0, 2**62]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="overflowed int32"):
        tf.ragged.range([0, 0], [2**31 - 1, 2**31 - 1], row_splits_dtype=tf.int32)


def test_steps_of_floats_add_up():
    # recorded from TensorFlow 2.21
    found = tf.ragged.range(0.0, 10.0, 0.7).flat_values.numpy()
    np.testing.assert_array_equal(found[-2:], np.float32([9.099998, 9.799998]))


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_one_ragged_tensor_without_a_list_is_a_list_of_one(wrap):
    ragged = tf.ragged.constant([[1, 2], [3, 4, 5]])
    assert wrap(lambda: tf.concat(ragged, 0))().to_list() == [[1, 2], [3, 4, 5]]
    assert wrap(lambda: tf.concat(ragged, 1))().to_list() == [[1, 2], [3, 4, 5]]
    assert wrap(lambda: tf.ragged.stack(ragged, 0))().to_list() == [[[1, 2], [3, 4, 5]]]


def test_the_axis_is_a_number_where_anything_is_joined():
    ragged = tf.ragged.constant([[1, 2], [3]])
    assert tf.concat([ragged], "any").to_list() == [[1, 2], [3]]
    with pytest.raises(TypeError, match="axis must be an int; got str"):
        tf.concat([ragged, ragged], "any")
    assert tf.concat([ragged, ragged], tf.constant(1)).to_list() == [[1, 2, 1, 2], [3, 3]]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: tf.gather(x, y * 0),
        lambda x, y: tf.gather(x, y * 0, batch_dims=1),
        lambda x, y: tf.ragged.boolean_mask(x, y > 0),
        lambda x, y: tf.math.unsorted_segment_sum(x, y * 0, 2),
    ],
    ids=["gather", "gather in batches", "boolean_mask", "unsorted_segment_sum"],
)
def test_ragged_tensors_have_row_splits_of_one_dtype(call):
    with pytest.raises(ValueError, match="mismatched row_splits dtypes"):
        call(ROWS, ROWS.with_row_splits_dtype(tf.int32))


def test_one_part_of_a_ragged_tensor_is_the_tensor():
    (part,) = tf.split(ROWS, 1, axis=1)
    assert part.to_list() == [[1, 2], [3]]


def test_functions_of_composites_write_no_message_that_is_caught(monkeypatch):
    ragged, sparse = tf.ragged.constant([[1, 2], [3]]), tf.sparse.from_dense([[1.0, 0.0]])
    with pytest.raises(
        ValueError, match=r"convert a value \(<tf.RaggedTensor \[\[1, 2\], \[3\]\]>\)"
    ):
        tf.convert_to_tensor([ragged, ragged])

    def fail(_):
        raise AssertionError("a tensor is written")

    for kind in (type(ragged), type(sparse)):
        monkeypatch.setattr(kind, "__str__", fail)
        monkeypatch.setattr(kind, "__repr__", fail)
    assert tf.stack([ragged, ragged]).to_list() == [[[1, 2], [3]], [[1, 2], [3]]]
    assert tf.cast(sparse, tf.int32).values.numpy().tolist() == [1]


@pytest.mark.parametrize("deltas", [2, -3, [2, 2, 2, 2], [1, -2, 3, 4]])
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_ranges_of_one_delta_are_those_of_many(deltas, dtype):
    starts, limits = [5, -4, 9, dtype.max - 3], [9, -20, 9, dtype.max]
    rows = tf.ragged.range(*(tf.constant(x, dtype) for x in (starts, limits, deltas)))
    steps = np.broadcast_to(deltas, 4).tolist()
    expected = [list(range(*x)) for x in zip(starts, limits, steps, strict=True)]
    assert rows.to_list() == expected and rows.dtype == dtype
