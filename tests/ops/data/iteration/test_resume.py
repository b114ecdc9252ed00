"""Iterators that are restored continue with the elements that an uninterrupted iteration has, without computing earlier ones."""

import functools
import gzip

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops.global_shuffle_op import _global_shuffle
from penstock._src.ops.data.iterator import IteratorHandle

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


def values(elements):
    return [
        [np.asarray(part.numpy() if hasattr(part, "numpy") else part).tolist() for part in flat]
        for flat in (tf.nest.flatten(element, expand_composites=True) for element in elements)
    ]


def repeated(handle, dataset, state):
    raise AssertionError("The iteration is repeated from its start.")


def any_state(dataset):
    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return dataset.with_options(options)


def continued(make, taken):
    """The rest of an iteration that is saved and restored, in a new iterator over a new dataset."""
    first = iter(any_state(make()))
    for _ in range(taken):
        next(first)
    state = first._save()
    second = iter(any_state(make()))
    second._restore(state)
    return second


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_is_that_of_the_whole(kind, monkeypatch):
    monkeypatch.setattr(IteratorHandle, "_repeat", repeated)
    make = KINDS[kind]
    whole = values(make())
    assert whole
    for taken in {0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole)}:
        assert values(continued(make, taken)) == whole[taken:], taken


def test_elements_in_any_order_come_once():
    def make():
        return Dataset.range(6).interleave(
            lambda x: Dataset.range(10 * x, 10 * x + 6),
            cycle_length=3,
            num_parallel_calls=3,
            deterministic=False,
        )

    whole = sorted(values(make()))
    for taken in (0, 1, 7, 20):
        first = iter(make())
        before = values(next(first) for _ in range(taken))
        second = iter(make())
        second._restore(first._save())
        assert sorted(before + values(second)) == whole


def write_files(folder, compression=""):
    """Two files of lines, of records and of comma-separated values."""
    kind = {"": "", "GZIP": "GZIP"}[compression]
    for number in range(2):
        lines = [b"%d,%03d" % (number, at) for at in range(150)]
        with tf.io.TFRecordWriter(str(folder / f"{number}.records"), kind) as file:
            for line in lines:
                file.write(line)
        opened = gzip.open if compression else open
        with opened(folder / f"{number}.lines", "wb") as file:
            file.write(b"\n".join(lines))
    return [
        [str(folder / f"{number}.{name}") for number in range(2)] for name in ("lines", "records")
    ]


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_readers_go_on_within_their_files(tmp_path, monkeypatch, compression):
    monkeypatch.setattr(IteratorHandle, "_repeat", repeated)
    lines, records = write_files(tmp_path, compression)
    kinds = [
        lambda: tf.data.TextLineDataset(lines, compression),
        lambda: tf.data.TextLineDataset(lines, compression).batch(32),
        lambda: tf.data.TFRecordDataset(records, compression),
        lambda: tf.data.TFRecordDataset(records, compression).batch(32).prefetch(2),
        lambda: experimental.CsvDataset(lines, [tf.int64, tf.float32], compression),
        lambda: tf.data.FixedLengthRecordDataset(lines[0], 2, 1, compression_type=compression),
    ]
    for make in kinds:
        whole = values(make())
        for taken in {0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole)}:
            assert values(continued(make, taken)) == whole[taken:], taken


def test_lines_before_a_position_are_not_read_again(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join(b"%07d" % at for at in range(200_000)))

    def make():
        return tf.data.TextLineDataset(str(path))

    second = continued(make, 150_000)
    path.write_bytes(b"\0" * 8 * 100_000 + path.read_bytes()[8 * 100_000 :])
    assert next(second) == b"0150000"
    assert len(list(second)) == 49_999


def test_functions_are_not_called_for_what_was_taken():
    calls = []

    def count(x):
        calls.append(int(x))
        return x

    def make():
        counted = Dataset.range(1000).map(lambda x: tf.py_function(count, [x], tf.int64))
        return counted.shuffle(10, seed=1).batch(4)

    second = continued(make, 100)
    before = len(calls)
    next(second)
    assert len(calls) - before == 4
