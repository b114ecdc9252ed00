"""Random permutations by index."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.random.index_shuffle import shuffled


@pytest.mark.parametrize("largest", [0, 5, 1000, 1 << 33, (1 << 63) - 1])
def test_vectors_of_indices_are_shuffled_as_each_is(largest):
    drawn = np.random.default_rng(1).integers(0, min(largest, 5000) + 1, 300)
    found = tf.random.experimental.index_shuffle(
        drawn, [2, 3], tf.constant(largest, tf.int64)
    ).numpy()
    expected = {i: shuffled(i, [498247692, 2, 3], largest, 4) for i in set(drawn.tolist())}
    assert found.tolist() == [expected[i] for i in drawn.tolist()]


@pytest.mark.parametrize(
    ("index", "largest", "message"),
    [
        ([1, -3], 9, "index must be >= 0 but was -3"),
        ([1], -9, "max_index must be >= 0 but was -9"),
        ([1, 12], 9, "max_index must be >= index, but 9 < 12"),
    ],
)
def test_indices_are_within_the_range(index, largest, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.random.experimental.index_shuffle(index, [2, 3], largest)


@pytest.mark.parametrize("seed", [[1, 2, 3], [1], [[1, 2, 3]]])
def test_a_seed_has_two_integers(seed):
    def shuffle():
        return tf.random.experimental.index_shuffle(3, seed, 10)

    with pytest.raises(tf.errors.InvalidArgumentError, match="Seed must be a vector"):
        shuffle()
    with pytest.raises(ValueError, match="Seed must have shape"):
        tf.function(shuffle)()
