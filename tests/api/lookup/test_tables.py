"""Lookup tables, in functions above all."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("autograph", [False, True])
def test_a_function_computes_the_keys_and_values_of_its_table(autograph):
    @tf.function(autograph=autograph)
    def found(x):
        keys = tf.cast(tf.range(3), tf.int64)
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, keys * 10), default_value=-1
        )
        return table.lookup(x)

    for _ in range(2):  # it is filled at each call
        np.testing.assert_equal(found(tf.constant([2, 5], tf.int64)).numpy(), [20, -1])


def test_a_table_is_not_filled_with_other_data_by_a_later_call():
    @tf.function
    def found(keys):
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, keys), -1)
        return table.lookup(keys)

    np.testing.assert_equal(found(tf.constant([1, 2])).numpy(), [1, 2])
    with pytest.raises(tf.errors.FailedPreconditionError, match="already initialized"):
        found(tf.constant([3, 4]))


@pytest.mark.parametrize("buckets, ids", [(0, [1, -1]), (1, [1, 2])])
def test_a_function_is_passed_the_path_of_its_vocabulary(tmp_path, buckets, ids):
    (tmp_path / "words.txt").write_text("a\nb\n")

    @tf.function
    def find(path, words):
        lines = tf.lookup.TextFileInitializer(path, tf.string, -2, tf.int64, -1)
        if buckets:
            return tf.lookup.StaticVocabularyTable(lines, buckets).lookup(words)
        return tf.lookup.StaticHashTable(lines, -1).lookup(words)

    path = tf.constant(str(tmp_path / "words.txt"))
    assert find(path, tf.constant(["b", "z"])).numpy().tolist() == ids


def test_a_function_fills_its_table_from_its_own_dataset():
    @tf.function
    def find(keys, words):
        pairs = tf.data.Dataset.from_tensor_slices((keys, keys))
        filled = tf.data.experimental.DatasetInitializer(pairs)
        return tf.lookup.StaticHashTable(filled, "none").lookup(words)

    assert find(tf.constant(["a"]), tf.constant(["a", "b"])).numpy().tolist() == [b"a", b"none"]


def test_keys_of_vocabularies_are_int64_or_strings():
    ids = np.array([0], np.int64)
    words = tf.lookup.KeyValueTensorInitializer(["a"], ids)
    for initializer, kind, text in (
        (words, tf.int64, "expected integer but got"),
        (words, tf.float32, "expected integer or string, got"),
        (tf.lookup.KeyValueTensorInitializer([3], ids), None, "expected one of"),
    ):
        with pytest.raises(TypeError, match=f"Invalid `key_dtype`, {text}"):
            tf.lookup.StaticVocabularyTable(initializer, 1, lookup_key_dtype=kind)
    with pytest.raises(ValueError, match="`filename` argument required"):
        index = tf.lookup.TextFileIndex
        tf.lookup.TextFileInitializer("", tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)


@pytest.mark.parametrize("default", [0.0, [0.0, 1.0]], ids=["numbers", "vectors"])
def test_shapes_of_values_with_a_default_for_each_key_are_known(default):
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, default)
    value = tf.constant(default)

    @tf.function
    def found(keys):
        values = table.lookup(keys, tf.stack([value + 5.0] * 3))
        assert values.shape == [3, *value.shape]
        return values + value

    np.testing.assert_array_equal(found(tf.range(3, dtype=tf.int64))[2], 2 * value + 5.0)


@pytest.mark.parametrize("limit", [None, 2])
def test_vocabularies_have_no_empty_lines(tmp_path, limit):
    path = tmp_path / "vocabulary"
    path.write_text("a\nb\n\nc\n")
    entries = tf.lookup.TextFileInitializer(
        str(path), tf.string, -2, tf.int64, -1, vocab_size=limit
    )
    if limit is None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="line 2 is empty"):
            tf.lookup.StaticHashTable(entries, -1)
    else:
        assert tf.lookup.StaticHashTable(entries, -1).size() == limit
