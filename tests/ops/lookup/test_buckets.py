"""Tables with open addressing, exported as TensorFlow lays them out."""

import numpy as np
import pytest

import penstock as tf


def dense(dtype, empty, deleted, **options):
    return tf.lookup.experimental.DenseHashTable(dtype, tf.float32, 0.0, empty, deleted, **options)


def test_the_buckets_are_those_of_tensorflow():
    """Recorded on TensorFlow 2.21, where the removed key's bucket stays marked."""
    table = dense(tf.int64, -1, -2, initial_num_buckets=4)
    table.insert(tf.constant([3, 7, 12, -9], tf.int64), [0.5, 0.7, 0.8, 0.9])
    table.insert(tf.constant([20], tf.int64), [0.1])  # grows to 8 buckets
    keys, values = table.export()
    assert keys.shape == values.shape == (8, 1)
    assert keys.numpy()[[3, 7, 4, 0], 0].tolist() == [3, 7, 12, -9]
    texts = dense(tf.string, "", "$", initial_num_buckets=8)
    texts.insert(["a", "b", "ccc"], [1.0, 2.0, 3.0])
    keys, values = texts.export()
    assert keys.numpy()[:, 0].tolist() == [b"", b"", b"b", b"", b"a", b"", b"ccc", b""]
    assert values.numpy()[:, 0].tolist() == [0, 0, 2, 0, 1, 0, 3, 0]


def test_buckets_are_imported_without_the_empty_and_the_deleted():
    table = dense(tf.int64, -1, -2, initial_num_buckets=64)
    table.insert(tf.constant([99], tf.int64), [9.0])
    tf.raw_ops.LookupTableImportV2(
        table_handle=table.resource_handle,
        keys=np.array([[8], [-1], [-2], [3]]),
        values=np.array([[1.0], [0.0], [5.0], [2.0]], np.float32),
    )
    assert table.size() == 2
    assert table.lookup(tf.constant([8, 3, 99], tf.int64)).numpy().tolist() == [1, 2, 0]
    assert table.export()[0].shape == (4, 1)


@pytest.mark.parametrize("count", [1, 40])
def test_checkpoints_keep_dense_tables(tmp_path, count):
    table = dense(tf.int64, -1, -2, initial_num_buckets=8)
    keys = tf.range(count, dtype=tf.int64) * 8
    table.insert(keys, tf.cast(keys, tf.float32) + 0.5)
    path = tf.train.Checkpoint(table=table).write(str(tmp_path / "c"))
    again = dense(tf.int64, -1, -2, initial_num_buckets=8)
    tf.train.Checkpoint(table=again).read(path).assert_consumed()
    assert again.lookup(keys).numpy().tolist() == (keys.numpy() + 0.5).tolist()
    assert again.size() == count


def test_removed_keys_leave_the_deleted_key_and_their_value():
    """Recorded on TensorFlow 2.21."""
    table = dense(tf.int64, 0, -1, initial_num_buckets=16)
    keys = tf.constant([1, 2, 3, 17], tf.int64)
    table.insert(keys, [1.0, 2.0, 3.0, 17.0])
    table.remove(tf.constant([2, 5], tf.int64))
    keys, values = table.export()
    assert keys.numpy()[:5, 0].tolist() == [0, 1, -1, 3, 17]
    assert values.numpy()[:5, 0].tolist() == [0, 1, 2, 3, 17]
    table.insert(tf.constant([2], tf.int64), [20.0])
    keys, values = table.export()
    assert keys.numpy()[:5, 0].tolist() == [0, 1, 2, 3, 17] and float(values[2, 0]) == 20
    table.remove(tf.constant([3], tf.int64))
    table.insert(tf.range(20, 40, dtype=tf.int64), tf.zeros(20))
    assert -1 not in table.export()[0].numpy() and table.size() == 23
