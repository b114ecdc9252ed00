"""Causal masks beside other masks: rows that see nothing but what is hidden."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.recognize import attention

LENGTH = 200  # more columns than a block of the kernel has
LOW = -1e30


def _masked_by_condition(scores, is_kept):
    return tf.where(is_kept, scores, LOW)


def _masked_by_sum(scores, is_kept):
    return scores + tf.where(is_kept, 0.0, LOW)


def _masked_by_product(scores, is_kept):
    return scores + (1.0 - tf.cast(is_kept, tf.float32)) * LOW


@pytest.mark.parametrize("mask", [_masked_by_condition, _masked_by_sum, _masked_by_product])
def test_rows_whose_visible_columns_are_padding_see_hidden_ones(mask):
    random = np.random.default_rng(0)
    q, k, v = (tf.constant(random.normal(size=(1, LENGTH, 8)), tf.float32) for _ in range(3))
    is_kept = tf.constant(np.arange(LENGTH) >= 150)[None, None]

    def attend(q, k, v, is_kept):
        scores = mask(tf.matmul(q, k, transpose_b=True), is_kept)
        places = tf.range(LENGTH)
        scores = tf.where(places[:, None] >= places, scores, LOW)
        return tf.matmul(tf.nn.softmax(scores), v)

    found = tf.function(attend)(q, k, v, is_kept)
    np.testing.assert_allclose(found, attend(q, k, v, is_kept), atol=1e-4)
    np.testing.assert_allclose(found[0, 0], tf.reduce_mean(v[0], 0), atol=1e-4)


@pytest.mark.parametrize("scale", [lambda x: x * 0.3, lambda x: x / 4.0, lambda x: 4 * tf.tanh(x)])
def test_scaled_scores_are_never_as_low_as_what_is_hidden(scale, monkeypatch):
    reaches = []
    find = attention.reach_of
    monkeypatch.setattr(
        attention, "reach_of", lambda *args: reaches.append(find(*args)) or reaches[-1]
    )

    @tf.function
    def attend(q):
        scores = scale(tf.matmul(q, q, transpose_b=True))
        places = tf.range(LENGTH)
        scores = tf.where(places[:, None] >= places, scores, LOW)
        return tf.matmul(tf.nn.softmax(scores), q)

    attend(tf.ones([1, LENGTH, 8]))
    assert reaches == [1]
