"""Tables that a traced function makes."""

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
