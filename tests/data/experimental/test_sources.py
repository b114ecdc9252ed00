"""tf.data.experimental: databases, tables, Examples, checkpoints of iterators; against TensorFlow 2.21."""

import sqlite3

import numpy as np
import pytest

import penstock as tf

X = tf.data.experimental


def pairs():
    keys = tf.data.Dataset.from_tensor_slices(["a", "b"])
    return tf.data.Dataset.zip((keys, tf.data.Dataset.range(1, 3)))


def test_rows_of_a_database(tmp_path):
    path = str(tmp_path / "a.db")
    with sqlite3.connect(path) as database:
        database.execute("create table t (a text, b integer, c real)")
        database.executemany("insert into t values (?, ?, ?)", [("x", 1, 2.5), ("y", 2, 3.5)])
    query = "select * from t order by b"
    rows = X.SqlDataset("sqlite", path, query, (tf.string, tf.int32, tf.float64))
    assert list(rows.as_numpy_iterator()) == [(b"x", 1, 2.5), (b"y", 2, 3.5)]
    with pytest.raises(tf.errors.InvalidArgumentError):
        X.SqlDataset("mysql", path, query, (tf.string,))


def test_tables_are_filled_from_datasets():
    table = tf.lookup.StaticHashTable(X.DatasetInitializer(pairs()), -1)
    assert table.lookup(tf.constant(["a", "q"])).numpy().tolist() == [1, -1]
    table = X.table_from_dataset(pairs(), num_oov_buckets=2)
    assert table.lookup(tf.constant(["b", "zz", "yy"])).numpy().tolist() == [2, 2, 3]
    table = X.table_from_dataset(pairs(), vocab_size=1, default_value=-1)
    assert table.lookup(tf.constant(["a", "b"])).numpy().tolist() == [1, -1]
    words = tf.data.Dataset.from_tensor_slices(["a", "b"])
    table = X.index_table_from_dataset(words, num_oov_buckets=1)
    assert table.lookup(tf.constant(["a", "b", "c"])).numpy().tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        X.table_from_dataset(pairs(), num_oov_buckets=-1)
    with pytest.raises(TypeError, match="integer or string type"):
        X.table_from_dataset(pairs(), key_dtype=tf.float32)


FEATURES = {
    "a": tf.io.FixedLenFeature([], tf.int64),
    "b": tf.io.VarLenFeature(tf.string),
}


def examples():
    def example(number):
        feature = {
            "a": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
            "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x"] * number)),
        }
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    return [example(number) for number in range(4)]


def test_examples_are_parsed_in_batches(tmp_path):
    parse = X.parse_example_dataset(FEATURES)
    data = tf.data.Dataset.from_tensor_slices(examples())
    assert [e["a"].numpy().tolist() for e in data.batch(2).apply(parse)] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="vectors of strings"):
        data.apply(parse)
    path = str(tmp_path / "r")
    with tf.io.TFRecordWriter(path) as writer:
        for record in examples():
            writer.write(record)
    make = X.make_batched_features_dataset
    plain = make(path, 2, FEATURES, num_epochs=2, shuffle=False)
    assert [e["a"].numpy().tolist() for e in plain] == [[0, 1], [2, 3]] * 2
    labeled = make([path], 3, FEATURES, label_key="a", num_epochs=1, shuffle=False)
    assert [label.numpy().tolist() for _, label in labeled] == [[0, 1, 2], [3]]
    endless = make(path, 2, FEATURES, label_key="a").element_spec
    assert endless[1] == tf.TensorSpec([2], tf.int64)
    with pytest.raises(ValueError, match="must be one of the `features` keys"):
        make(path, 2, FEATURES, label_key="q")


def test_iterators_come_back_to_their_place(tmp_path):
    def fresh():
        return iter(tf.data.Dataset.range(10).map(lambda x: x * x).batch(2))

    first = fresh()
    next(first)
    path = tf.train.Checkpoint(iterator=first).save(str(tmp_path / "c"))
    expect = next(first).numpy().tolist()
    second = fresh()
    tf.train.Checkpoint(iterator=second).restore(path)
    assert next(second).numpy().tolist() == expect == [4, 9]
    numbers = tf.data.Dataset.range(5).as_numpy_iterator()
    next(numbers)
    state = numbers.save()
    next(numbers)
    numbers.restore(state)
    assert (next(numbers), numbers.next()) == (1, 2)


def test_stages_of_a_pipeline():
    iterator = iter(tf.data.Dataset.range(10).batch(2).prefetch(1))
    model = X.get_model_proto(iterator)
    assert model.output == 1 and len(model.nodes) == model.id_counter - 1 >= 2
    with pytest.raises(ValueError, match="`tf.data.Iterator`-typed"):
        X.get_model_proto(3)


def test_counters_go_down_and_stand_still():
    first = lambda **options: list(  # noqa: E731
        tf.data.Dataset.counter(**options).take(3).as_numpy_iterator()
    )
    assert first(start=10, step=-1) == [10, 9, 8]
    assert first(start=-5, step=-(2**40)) == [-5, -5 - 2**40, -5 - 2**41]
    assert first(start=7, step=0) == [7, 7, 7]
    assert first(start=7, step=0, dtype=tf.uint8)[0].dtype == np.uint8
