"""Parts of datasets for workers and replicas."""

import pytest

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops import distribute

Policy = tf.data.experimental.AutoShardPolicy


@pytest.fixture
def files(tmp_path):
    names = [str(tmp_path / f"{i}.tfrecord") for i in range(5)]
    for i, name in enumerate(names):
        with tf.io.TFRecordWriter(name) as writer:
            for j in range(2):
                writer.write(b"%d%d" % (i, j))
    return names


def shard(dataset, policy, workers=2, index=1, replicas=None):
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    made = distribute._AutoShardDataset(dataset.with_options(options), workers, index, replicas)
    return list(made.as_numpy_iterator())


def test_files_are_divided_before_they_are_read(files):
    records = tf.data.TFRecordDataset
    by_file = [b"10", b"11", b"30", b"31"]
    names = tf.data.Dataset.from_tensor_slices(files)
    for dataset in (
        records(files),
        names.flat_map(records),
        names.map(lambda name: name).interleave(records, cycle_length=1),
        names.shuffle(1).flat_map(records),
        records(files[:2]).concatenate(records(files[2:])),
    ):
        assert shard(dataset, Policy.AUTO) == by_file
    assert sorted(shard(names.shuffle(5).flat_map(records), Policy.FILE)) == by_file
    assert shard(records(files), Policy.DATA) == [b"01", b"11", b"21", b"31", b"41"]
    assert len(shard(records(files), Policy.OFF)) == 10


def test_a_dataset_that_was_iterated_over_before_is_divided(files):
    names = tf.data.Dataset.from_tensor_slices(files)
    for dataset in (
        names.flat_map(tf.data.TFRecordDataset).map(lambda line: line).prefetch(1),
        names,
    ):
        whole = list(dataset.as_numpy_iterator())
        assert shard(dataset, Policy.DATA) == whole[1::2]
    numbers = tf.data.Dataset.range(4).shard(*[tf.data.experimental.SHARD_HINT] * 2)
    assert shard(numbers, Policy.HINT) == [1, 3] and shard(numbers, Policy.HINT, index=0) == [0, 2]


def test_chosen_files_are_divided(files):
    parts = [tf.data.TFRecordDataset(files[:2]), tf.data.TFRecordDataset(files[2:4])]
    order = tf.data.TFRecordDataset(files).map(
        lambda name: tf.strings.to_number(name, tf.int64) % 2
    )
    chosen = tf.data.Dataset.choose_from_datasets(parts, order)
    assert shard(chosen, Policy.FILE) == [b"10", b"30", b"11", b"31"]


def test_what_has_no_files_is_divided_by_elements_or_refused():
    numbers = tf.data.Dataset.range(10)
    assert shard(numbers.prefetch(1), Policy.AUTO) == [1, 3, 5, 7, 9]
    with pytest.raises(tf.errors.NotFoundError, match="unshardable source dataset"):
        shard(numbers, Policy.FILE)


def test_every_worker_needs_a_file(files):
    names = tf.data.Dataset.from_tensor_slices(files[:1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="has 1 file.s., which is not enough"):
        shard(names.flat_map(tf.data.TFRecordDataset), Policy.FILE, 2, 0)


def test_batches_are_split_for_all_replicas():
    batches = tf.data.Dataset.range(8).batch(4).rebatch(2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`num_replicas` is 0"):
        shard(batches, Policy.DATA)
    found = shard(batches, Policy.DATA, replicas=4)
    assert [part.tolist() for part in found] == [[1], [3], [5], [7]]


def test_a_hint_is_where_elements_are_divided():
    hint = tf.data.experimental.SHARD_HINT
    dataset = tf.data.Dataset.range(6).shard(hint, hint).map(lambda x: x * 10)
    assert shard(dataset, Policy.HINT) == [10, 30, 50]
    with pytest.raises(tf.errors.FailedPreconditionError, match="SHARD_HINT"):
        shard(dataset, Policy.OFF)


def test_parts_of_batches_may_be_empty():
    batches = tf.data.Dataset.range(4).batch(4)
    made = distribute._LegacyRebatchDataset(batches, 3)
    assert [part.tolist() for part in made.as_numpy_iterator()] == [[0, 1], [2, 3], []]
    assert distribute._LegacyRebatchDataset(batches, 2).element_spec.shape.rank == 1
    with pytest.raises(ValueError, match="rank >= 1"):
        distribute._LegacyRebatchDataset(tf.data.Dataset.range(4), 2)


def test_workers_take_the_larger_batches_in_turn():
    assert distribute.batch_sizes_for_worker(7, 2, 2, 1).numpy().tolist() == [2, 1, 2, 2]
    dynamic = tf.function(lambda size: distribute.batch_sizes_for_worker(size, 2, 2, 1))
    assert dynamic(tf.constant(7, tf.int64)).numpy().tolist() == [2, 1, 2, 2]
