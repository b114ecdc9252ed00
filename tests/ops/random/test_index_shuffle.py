"""Random permutations by index."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.random import index_shuffle


def shuffled(index, key, largest, rounds):
    """The position of an index, by Python's integers."""
    bits = index_shuffle._half_block(largest)
    mask, keys = (1 << bits) - 1, index_shuffle._keys(key, rounds, bits)

    def turned(x, count):
        return (x << count | x >> bits - count) & mask

    while True:
        left, right = index >> bits, index & mask
        for word in keys:
            left, right = (
                right,
                left ^ (turned(right, 1) & turned(right, 8)) ^ turned(right, 2) ^ word,
            )
        index = left << bits | right
        if index <= largest:
            return index


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


def test_a_permutation_has_the_positions_of_all_indices():
    key = [498247692, 2, 3]
    positions = list(index_shuffle.permutation(key, 9000, 4))
    assert positions[:20] == [shuffled(i, key, 9000, 4) for i in range(20)]
    assert sorted(positions) == list(range(9001))


def test_the_kernel_gives_what_its_function_gives_in_python():
    keys = np.array(index_shuffle._keys([1, 2, 3], 6, 32), np.uint64)
    numbers = np.random.default_rng(2).integers(0, 1 << 62, 50).astype(np.uint64)
    same = numbers.copy()
    index_shuffle.walk(numbers, keys, 32, -2)
    index_shuffle.walk.in_python(same, keys, 32, -2)
    np.testing.assert_array_equal(numbers, same)
