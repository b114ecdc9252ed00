"""Empty rows filled. The constants are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def test_empty_rows_get_the_default_and_its_gradient():
    values, default = tf.constant([1.0, 2.0, 3.0]), tf.constant(-1.0)
    with tf.GradientTape() as tape:
        tape.watch([values, default])
        ids, filled, empty, where = raw.RaggedFillEmptyRows(
            value_rowids=np.int64([0, 2, 2]), values=values, nrows=np.int64(4),
            default_value=default,
        )  # fmt: skip
        loss = tf.reduce_sum(filled * [1.0, 2, 3, 4, 5])
    assert ids.numpy().tolist() == [0, 1, 2, 2, 3] and where.numpy().tolist() == [0, 2, 3]
    assert filled.numpy().tolist() == [1, -1, 2, 3, -1]
    assert empty.numpy().tolist() == [False, True, False, True]
    by_values, by_default = tape.gradient(loss, [values, default])
    assert by_values.numpy().tolist() == [1, 3, 4] and by_default.numpy() == 7


def test_gradient_of_a_slice():
    made = raw.SparseSliceGrad(
        backprop_val_grad=[5.0, 6.0], input_indices=np.int64([[0, 1], [1, 1], [2, 3]]),
        input_start=np.int64([1, 1]), output_indices=np.int64([[0, 0], [1, 2]]),
    )  # fmt: skip
    assert made.numpy().tolist() == [0, 5, 6]


def test_names_of_parts():
    assert raw.ShardedFilename(basename="a", shard=1, num_shards=3).numpy() == b"a-00001-of-00003"
    assert raw.ShardedFilespec(basename="a", num_shards=3).numpy() == b"a-?????-of-00003"


@pytest.mark.parametrize(
    ("start", "grad", "indices", "message"),
    [
        ([0, 0], [1.0, 2.0], [[0, 1]], "should match .* got 2 and 1"),
        ([0, 0], [1.0], [[0, 1, 2]], "same ndims: got: 2 and 3"),
        ([0, 0, 0], [1.0], [[0, 1]], "a vector of length 2 but got length 3"),
    ],
)
def test_shapes_that_do_not_match_have_no_gradient_of_a_slice(start, grad, indices, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        raw.SparseSliceGrad(
            backprop_val_grad=grad,
            input_indices=[[0, 1], [2, 3]],
            input_start=start,
            output_indices=indices,
        )


def test_gradients_of_a_large_slice_are_at_its_elements():
    r = np.random.default_rng(2)
    indices = np.argwhere(r.uniform(size=(60, 70)) < 0.2)
    inside = ((indices >= 5) & (indices < 45)).all(1)
    grad = r.standard_normal(inside.sum()).astype("float32")
    expected = np.zeros(len(indices), np.float32)
    expected[inside] = grad
    made = raw.SparseSliceGrad(
        backprop_val_grad=grad,
        input_indices=indices,
        input_start=[5, 5],
        output_indices=indices[inside] - 5,
    )
    np.testing.assert_array_equal(made, expected)


def test_tensors_without_empty_rows_stay_as_they_are_if_rows_ascend():
    at, values = np.array([[0, 3], [0, 1], [1, 2]], np.int64), np.float32([5, 6, 7])
    for order in ([0, 1, 2], [2, 0, 1]):
        indices, filled, empty, where = raw.SparseFillEmptyRows(
            indices=at[order], values=values[order], dense_shape=[2, 4], default_value=np.float32(9)
        )
        assert indices.numpy().tolist() == at.tolist()
        assert filled.numpy().tolist() == [5, 6, 7] and not empty.numpy().any()
        assert where.numpy().tolist() == order
