"""Eager tensor arrays, tables and records of tensors at their edges, as TensorFlow 2.21."""

import typing

import pytest

import penstock as tf

INVALID = tf.errors.InvalidArgumentError


def test_whole_arrays_can_be_read_again():
    array = tf.TensorArray(tf.float32, 2).unstack([1.0, 2.0])
    assert array.stack().numpy().tolist() == array.stack().numpy().tolist() == [1.0, 2.0]
    assert array.gather([1, 1]).numpy().tolist() == [2.0, 2.0]
    array.read(0)
    assert array.stack().numpy().tolist() == [0.0, 2.0]  # what was read alone is cleared
    with pytest.raises(ValueError):
        tf.TensorArray(tf.float32, 2).read(0)
    with pytest.raises(INVALID):
        tf.TensorArray(tf.float32, 3).split([1.0, 2.0, 3.0], [1, 2])


def test_tables_refuse_keys_and_sizes():
    dense = tf.lookup.experimental.DenseHashTable
    with pytest.raises(INVALID, match="cannot be equal"):
        dense(tf.int64, tf.int64, -1, empty_key=0, deleted_key=0)
    with pytest.raises(INVALID, match="power of 2"):
        dense(tf.int64, tf.int64, -1, empty_key=0, deleted_key=1, initial_num_buckets=3)
    with pytest.raises(INVALID, match="Expected shape"):
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1]), -1)


def test_table_files_need_all_columns(tmp_path):
    path = tmp_path / "words"
    path.write_text("a 1\n")
    filled = tf.lookup.TextFileInitializer(str(path), tf.string, 0, tf.int64, 3, delimiter=" ")
    with pytest.raises(INVALID, match="Invalid number of columns"):
        tf.lookup.StaticHashTable(filled, -1)
    with pytest.raises(ValueError, match="either integer or string"):
        tf.lookup.TextFileInitializer(str(path), tf.float32, -2, tf.int64, -1)


def test_queues_of_unknown_shape_are_one_of_a_list():
    queue = tf.queue.FIFOQueue(2, tf.int32)
    assert tf.queue.QueueBase.from_list(0, [queue]).dtypes == [tf.int32]


def test_mappings_of_extension_types_hold_tensors():
    class Named(tf.experimental.ExtensionType):
        parts: typing.Mapping[str, tf.Tensor]

    assert Named({"a": 3.0}).parts["a"].dtype == tf.float32
    with pytest.raises(TypeError, match="Unsupported type annotation"):

        class Wrong(tf.experimental.ExtensionType):
            x: 5
