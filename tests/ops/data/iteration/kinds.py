"""A dataset of each kind of step, for tests of what holds for all iterators."""

import functools

import numpy as np

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops.global_shuffle_op import _global_shuffle

Dataset = tf.data.Dataset
experimental = tf.data.experimental
RANGE = functools.partial(Dataset.range, 12)
VECTORS = [np.arange(number, dtype=np.float32) for number in (1, 3, 2, 4, 0, 2)]


def unequal_vectors():
    return Dataset.range(6).map(lambda n: tf.range(n % 4))


def slow(element):
    return tf.py_function(lambda x: x, [element], tf.int64)


KINDS = {
    "tensors": lambda: Dataset.from_tensors(3).repeat(4),
    "slices": lambda: Dataset.from_tensor_slices((np.arange(6), np.eye(6))),
    "strings": lambda: Dataset.from_tensor_slices(["a", "bc", "d"]).repeat(2),
    "sparse_slices": lambda: Dataset.from_tensor_slices(tf.sparse.from_dense(np.eye(5))),
    "ragged_slices": lambda: Dataset.from_tensor_slices(tf.ragged.constant([[1], [2, 3], []])),
    "lists": lambda: experimental.from_list([1, 2, 3, 4]),
    "long_range": lambda: Dataset.range(3, 1 << 40, 7).take(9),
    "random": lambda: Dataset.random(seed=4).take(9),
    "skip_take": lambda: RANGE().skip(2).take(7).filter(lambda x: x % 2 == 0).skip(1).take(3),
    "shuffle": lambda: RANGE().shuffle(5, seed=3).repeat(2),
    "shuffle_whole": lambda: RANGE().shuffle(50, seed=3).take(8).repeat(3).skip(2),
    "shuffle_elements": lambda: RANGE().filter(lambda x: x > 2).shuffle(4, seed=1).repeat(2),
    "shuffle_once": lambda: RANGE().shuffle(4, seed=1, reshuffle_each_iteration=False).repeat(2),
    "concatenate": lambda: RANGE().take(3).shuffle(3, seed=5).concatenate(RANGE()).repeat(2),
    "zip": lambda: Dataset.zip(RANGE().shuffle(3, seed=2), RANGE().filter(lambda x: x > 2)),
    "shard": lambda: RANGE().filter(lambda x: x > 2).shard(3, 1),
    "enumerate": lambda: RANGE().filter(lambda x: x > 6).enumerate(start=4),
    "unique": lambda: RANGE().map(lambda x: x % 5).unique(),
    "rejection": lambda: RANGE().rejection_resample(
        lambda x: tf.cast(x % 2, tf.int32), [0.5, 0.5], [0.5, 0.5], seed=3
    ),
    "sample_from": lambda: Dataset.sample_from_datasets([RANGE(), RANGE().skip(4)], seed=3),
    "choose_from": lambda: Dataset.choose_from_datasets(
        [RANGE(), RANGE().skip(4)], Dataset.range(2).repeat(5)
    ),
    "assert_cardinality": lambda: (
        RANGE().filter(lambda x: x > 6).apply(experimental.assert_cardinality(5))
    ),
    "batch": lambda: RANGE().filter(lambda x: x != 4).batch(4).unbatch().batch(3),
    "batch_rows": lambda: RANGE().shuffle(5, seed=1).batch(5, drop_remainder=True),
    "batch_ragged": lambda: unequal_vectors().ragged_batch(2),
    "padded_batch": lambda: unequal_vectors().padded_batch(2),
    "sparse_batch": lambda: unequal_vectors().apply(
        experimental.dense_to_ragged_batch(2, drop_remainder=True)
    ),
    "rebatch": lambda: RANGE().batch(5).rebatch([2, 3]),
    "window": lambda: RANGE().window(3, shift=2, stride=2).flat_map(lambda w: w.batch(3)),
    "shuffled_windows": lambda: RANGE().window(3).shuffle(3, seed=1).flat_map(lambda w: w),
    "bucket": lambda: unequal_vectors().bucket_by_sequence_length(tf.size, [2, 3], [2, 2, 2]),
    "map": lambda: RANGE().filter(lambda x: x > 1).map(lambda x: x * 2),
    "map_rows": lambda: RANGE().map(lambda x: (x * 2, x + 1)).batch(5).prefetch(1),
    "parallel_map": lambda: RANGE().map(lambda x: tf.strings.as_string(x), num_parallel_calls=3),
    "slow_map": lambda: RANGE().map(slow, num_parallel_calls=3).prefetch(2),
    "map_and_batch": lambda: RANGE().apply(
        experimental.map_and_batch(lambda x: tf.range(x, x + 2), 5)
    ),
    "scan": lambda: RANGE().scan(np.int64(0), lambda s, x: (s + x, s * x)),
    "take_while": lambda: RANGE().take_while(lambda x: x < 7),
    "ignore_errors": lambda: (
        RANGE()
        .map(lambda x: tf.debugging.check_numerics(1.0 / tf.cast(x % 3, tf.float32), ""))
        .ignore_errors()
    ),
    "flat_map": lambda: RANGE().flat_map(lambda x: Dataset.range(x).shuffle(3, seed=1)),
    "interleave": lambda: RANGE().interleave(
        lambda x: Dataset.range(x), cycle_length=3, block_length=2
    ),
    "parallel_interleave": lambda: RANGE().interleave(
        lambda x: Dataset.range(x), cycle_length=3, block_length=2, num_parallel_calls=2
    ),
    "group_by_window": lambda: RANGE().group_by_window(
        lambda x: x % 3, lambda key, window: window.batch(2), window_size=3
    ),
    "group_by_reducer": lambda: RANGE().apply(
        experimental.group_by_reducer(
            lambda x: x % 3,
            experimental.Reducer(
                lambda _: np.int64(0), lambda state, x: state + x, lambda state: state
            ),
        )
    ),
    "cache": lambda: RANGE().filter(lambda x: x > 3).cache().repeat(3),
    "prefetch": lambda: RANGE().map(slow).prefetch(3),
    "generator": lambda: Dataset.from_generator(lambda: iter(range(8)), tf.int64),
    "global_shuffle": lambda: _global_shuffle(RANGE(), seed=3),
    "optional": lambda: (
        RANGE()
        .map(tf.experimental.Optional.from_value)
        .shuffle(3, seed=1)
        .map(lambda x: x.get_value())
    ),
}
