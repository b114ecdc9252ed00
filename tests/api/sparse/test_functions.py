"""Sparse tensors: what functions and operators give and refuse, as TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

INVALID = tf.errors.InvalidArgumentError
X = tf.SparseTensor([[0, 1], [1, 2]], [1.0, 2.0], [2, 3])


def test_counts_over_all_axes_and_rows():
    found = tf.sparse.bincount([[1, 2, 2], [0, 0, 5]], axis=None)
    assert found.indices.numpy().ravel().tolist() == [0, 1, 2, 5]
    with pytest.raises(ValueError, match="Unsupported value for argument axis=1"):
        tf.sparse.bincount([1, 2], axis=1)
    with pytest.raises(INVALID):
        tf.sparse.bincount([1.0])


def test_crosses_take_numbers_as_whole_ones():
    words = tf.constant([["c"]])
    crossed = tf.sparse.cross([tf.constant([[1.5]]), words])
    assert crossed.values.numpy().tolist() == [b"1_X_c"]
    by_default = tf.sparse.cross_hashed([words, words], num_buckets=50)
    same = tf.sparse.cross_hashed([words, words], num_buckets=50, hash_key=0)
    assert by_default.values.numpy() == same.values.numpy()
    with pytest.raises(TypeError, match="must be Tensor or SparseTensor"):
        tf.sparse.cross([[["a"]], words])
    with pytest.raises(INVALID, match="should be a matrix"):
        tf.sparse.cross([tf.constant(["a"]), words])


def test_products_from_either_side():
    dense = tf.constant([[2.0], [3.0]])
    for product in (X * dense, dense * X):
        assert product.values.numpy().tolist() == [2.0, 6.0]


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: tf.sparse.transpose(X, [0]), ValueError),
        (lambda: tf.sparse.expand_dims(X, 3), INVALID),
        (lambda: tf.sparse.expand_dims(X, 1.5), TypeError),
        (lambda: tf.sparse.slice(X, [0], [2]), INVALID),
        (lambda: tf.sparse.fill_empty_rows(X, [9.0]), INVALID),
        (lambda: tf.sparse.softmax(tf.SparseTensor([[0]], [1.0], [2])), INVALID),
        (lambda: tf.sparse.map_values(tf.add, X, tf.sparse.transpose(X)), INVALID),
        (lambda: tf.sparse.eye(-1), INVALID),
        (lambda: tf.SparseTensor([[0, 0]], [1.0], [2, -3]).shape, ValueError),
        (lambda: tf.convert_to_tensor(X), ValueError),
        (lambda: tf.sparse.reduce_sum(tf.ones([2, 3])), TypeError),
        (lambda: tf.sparse.reduce_sum(X, 1.5), TypeError),
        (lambda: tf.sparse.reduce_max(X, tf.constant([0], tf.int64)), INVALID),
        (lambda: tf.io.deserialize_many_sparse([["a", "b", "c"]], tf.int32), INVALID),
        (lambda: tf.io.deserialize_many_sparse(tf.io.serialize_many_sparse(X), tf.int32), INVALID),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_more_channels_than_a_wave_file_has_repeat_the_last():
    wave = tf.audio.encode_wav([[0.5, 0.25]], 8000)
    audio, _ = tf.audio.decode_wav(wave, desired_channels=3)
    np.testing.assert_allclose(audio.numpy(), [[0.5, 0.25, 0.25]])
    with pytest.raises(INVALID):
        tf.audio.encode_wav([[0.5]], 0)


def test_operands_of_assertions_keep_their_types():
    with pytest.raises(INVALID):
        tf.debugging.assert_less(1.5, 2)
    with pytest.raises(INVALID):
        tf.debugging.assert_near(1.0, 1.0, rtol=0.0, atol=0.0)


def test_axes_of_reductions_may_be_known_only_when_the_graph_runs():
    summed = tf.function(lambda axis: tf.sparse.reduce_sum(X, axis), autograph=False)
    assert summed(tf.constant(1)).numpy().tolist() == [1.0, 2.0]
    assert summed(tf.constant([0])).numpy().tolist() == [0.0, 1.0, 2.0]


def test_sparse_tensors_are_true():
    # as in TensorFlow 2.21
    value = tf.sparse.from_dense([0, 1])

    @tf.function
    def negative_if(condition, x):
        if condition:
            x = -x
        return x

    assert value and negative_if(value, tf.constant(1)).numpy() == -1
