"""Small eager functions of several ops give their ops tensors alone: native code makes such calls, and Python those with lists or numbers."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager import execute

X = tf.constant(np.arange(8, dtype=np.float32).reshape(2, 4) - 3)
ROW, MASK = X[0], tf.constant([True, False, True, True])
IDS = tf.constant([3, 1, 3])

CALLS = {
    "searchsorted": lambda: tf.searchsorted(ROW, X[1]),
    "bincount": lambda: tf.math.bincount(IDS),
    "boolean_mask": lambda: tf.boolean_mask(X, MASK, axis=1),
    "repeat": lambda: tf.repeat(X, 3),
    "repeat an axis": lambda: tf.repeat(X, 2, axis=-1),
    "meshgrid": lambda: tf.meshgrid(ROW, ROW, ROW),
    "sort": lambda: tf.sort(X),
    "norm": lambda: tf.norm(X, axis=1),
    "tensordot": lambda: tf.tensordot(X, X, [[0], [0]]),
    "sequence_mask": lambda: tf.sequence_mask(IDS, IDS[0]),
    "clip_by_norm": lambda: tf.clip_by_norm(X, 2.0),
    "general_dropout": lambda: tf.nn.experimental.general_dropout(X, 0.5, lambda shape, dtype: X),
    "argsort": lambda: tf.argsort(X, direction="DESCENDING"),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_op_gets_numbers_or_lists(name, monkeypatch):
    expected = CALLS[name]()
    mixed = []
    general = execute._execute_mixed

    def noted(cls, inputs, attributes):
        mixed.append((cls.__name__, inputs))
        return general(cls, inputs, attributes)

    monkeypatch.setattr(execute, "_execute_mixed", noted)
    for result, first in zip(np.array(CALLS[name]()), np.array(expected), strict=True):
        np.testing.assert_array_equal(result, first)
    assert not mixed


def test_results_are_those_of_numpy():
    x = np.array(X)
    np.testing.assert_array_equal(CALLS["searchsorted"](), np.searchsorted(x[0], x[1]))
    np.testing.assert_array_equal(CALLS["bincount"](), [0, 1, 0, 2])
    np.testing.assert_array_equal(CALLS["boolean_mask"](), x[:, [0, 2, 3]])
    np.testing.assert_array_equal(CALLS["repeat"](), np.repeat(x, 3))
    np.testing.assert_array_equal(CALLS["repeat an axis"](), np.repeat(x, 2, axis=-1))
    np.testing.assert_array_equal(CALLS["meshgrid"](), np.meshgrid(x[0], x[0], x[0]))
    np.testing.assert_allclose(CALLS["norm"](), np.linalg.norm(x, axis=1), rtol=1e-6)
    np.testing.assert_array_equal(CALLS["tensordot"](), x.T @ x)
    np.testing.assert_array_equal(CALLS["sequence_mask"](), [[1] * 3, [1, 0, 0], [1] * 3])
    np.testing.assert_allclose(CALLS["clip_by_norm"](), x * 2 / np.linalg.norm(x), rtol=1e-6)
    np.testing.assert_array_equal(CALLS["general_dropout"](), np.where(x >= 0.5, x * 2, 0))
    np.testing.assert_array_equal(tf.linspace(1.0, 3.0, 5), np.linspace(1, 3, 5, dtype=np.float32))


def test_counts_of_nothing_and_of_the_greatest_number():
    assert tf.math.bincount(tf.zeros([0], tf.int32)).shape == [0]
    assert tf.math.bincount(tf.zeros([0], tf.int32), minlength=2).numpy().tolist() == [0, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="-2147483648.* must be non-negative"):
        tf.math.bincount(tf.constant([2**31 - 1]))
