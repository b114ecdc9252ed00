"""Tables between entries of a vocabulary and their places."""

import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.api.lookup import id_tables


def test_unknown_keys_are_hashed_above_the_ids():
    table = id_tables.index_table_from_tensor(["a", "b"], num_oov_buckets=5)
    ids = table.lookup(tf.constant(["b", "?", "a"])).numpy().tolist()
    assert ids[0] == 1 and ids[2] == 0 and 2 <= ids[1] < 7
    assert int(table.size()) == 7


def test_the_hash_function_is_the_one_asked_for():
    # recorded from TensorFlow 2.21
    keys = tf.constant(["salad", "brain", "surgery"])
    strong = id_tables.StrongHashSpec([123, 456])
    for spec, ids in ((id_tables.FastHashSpec, [0, 0, 0]), (strong, [0, 1, 2])):
        table = id_tables.IdTableWithHashBuckets(None, 4, spec)
        assert table.lookup(keys).numpy().tolist() == ids


def test_files_of_words(tmp_path):
    path = tmp_path / "words"
    path.write_text("a\nb\nc\n")
    table = id_tables.index_table_from_file(str(path), vocab_size=2)
    assert table.lookup(tf.constant(["b", "c"])).numpy().tolist() == [1, -1]
    words = id_tables.index_to_string_table_from_file(str(path))
    assert words.lookup(tf.constant([2, 9], tf.int64)).numpy().tolist() == [b"c", b"UNK"]


def test_places_of_strings():
    words = id_tables.index_to_string_table_from_tensor(["a", "b"])
    assert words.lookup(tf.constant([1, 5], tf.int64)).numpy().tolist() == [b"b", b"UNK"]


def test_what_is_refused():
    with pytest.raises(ValueError, match="oov_buckets"):
        id_tables.IdTableWithHashBuckets(None, 0)
    with pytest.raises(TypeError, match="hasher_spec"):
        id_tables.IdTableWithHashBuckets(None, 1, hasher_spec="fasthash")
    with pytest.raises(ValueError, match="Expected integer, got"):
        id_tables.index_table_from_tensor(["a"], dtype=tf.int64)
