"""Classes drawn by log-probabilities: all kernels draw what a search in each row gives."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.random import stateful
from penstock._src.ops.random.distributions import words_to_float64
from penstock._src.ops.random.philox import Stream


def by_rows(stream, logits, samples):
    """The classes, row by row."""
    words = stream.words(len(logits) * samples * 2).reshape(len(logits), samples, 2)
    drawn = []
    for row, word in zip(logits.astype("float64"), words, strict=True):
        finite = np.isfinite(row)
        weights = np.exp(row - row[finite].max(initial=0.0), where=finite, out=np.zeros(len(row)))
        cumulated = np.cumsum(weights)
        drawn.append(np.searchsorted(cumulated, words_to_float64(word) * cumulated[-1], "right"))
    return np.array(drawn).reshape(len(logits), samples)


@pytest.mark.parametrize("samples", [0, 1, 5, 64])
@pytest.mark.parametrize("rows, classes", [(0, 3), (1, 1), (7, 2), (40, 65), (3, 1000)])
def test_small_draws(rows, classes, samples):
    random = np.random.default_rng(classes)
    logits = random.normal(size=(rows, classes)).astype("float32") ** 2
    logits[random.random(logits.shape) < 0.2] = -np.inf
    found = stateful.categorical(Stream(5, 1), logits, samples, np.int64)
    np.testing.assert_array_equal(found, by_rows(Stream(5, 1), logits, samples))


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_native_draws_are_those_of_numpy(kind, samples, monkeypatch):
    logits = np.random.default_rng(3).normal(size=(9, 31)).astype(kind)
    logits[:3, 4], logits[4] = (np.nan, np.inf, -np.inf), -np.inf
    stream = Stream(1 << 63, (1 << 128) - 3)
    monkeypatch.setattr(stateful, "_CLASSES", HotCounter(1 << 40))
    by_numpy = stateful.categorical(stream, logits, samples, np.int32)
    monkeypatch.setattr(stateful, "_CLASSES", HotCounter(0))
    natively = stateful.categorical(stream, logits, samples, np.int32)
    np.testing.assert_array_equal(natively, by_numpy, strict=True)


@pytest.mark.parametrize("rows, classes, samples", [(300, 60, 2), (2, 9000, 3), (4, 10, 5000)])
def test_large_draws_are_those_of_functions_and_of_small_ones(rows, classes, samples, monkeypatch):
    logits = np.random.default_rng(2).normal(size=(rows, classes)).astype("float32")

    def draw():
        return tf.random.categorical(logits, samples, seed=3)

    drawn = []
    for function, least in ((draw, 1), (draw, 1 << 60), (tf.function(draw), 1)):
        monkeypatch.setattr(stateful, "SLOWEST", least)
        tf.random.set_seed(1)
        drawn.append(np.array([function() for _ in range(2)]))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


@pytest.mark.parametrize("shape", [[0, 0], [2, 0]])
def test_logits_without_classes_are_refused(shape):
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_classes should be positive"):
        tf.random.categorical(tf.zeros(shape), 3)
