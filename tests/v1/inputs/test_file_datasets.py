"""Datasets of files in TensorFlow 1: the same elements, with the methods of v1."""

import gzip
import sqlite3

import penstock as tf

v1 = tf.compat.v1


def listed(dataset):
    assert isinstance(dataset, v1.data.Dataset)
    return list(dataset.map(lambda *row: row).as_numpy_iterator())


def test_readers(tmp_path):
    lines, records = str(tmp_path / "lines.gz"), str(tmp_path / "records")
    with gzip.open(lines, "wt") as file:
        file.write("a,1\nb,2\n")
    with tf.io.TFRecordWriter(records) as writer:
        writer.write(b"one")
    assert listed(v1.data.TextLineDataset(lines, "GZIP")) == [(b"a,1",), (b"b,2",)]
    assert listed(v1.data.TFRecordDataset([records, records])) == [(b"one",)] * 2
    fixed = v1.data.FixedLengthRecordDataset(lines, 4, compression_type="GZIP")
    assert listed(fixed) == [(b"a,1\n",), (b"b,2\n",)]
    rows = v1.data.experimental.CsvDataset(lines, ["", 0], compression_type="GZIP")
    assert listed(rows) == [(b"a", 1), (b"b", 2)]


def test_readers_in_a_session(tmp_path):
    path = tmp_path / "lines"
    path.write_text("a\nb\n")
    with tf.Graph().as_default(), v1.Session() as session:
        dataset = v1.data.TextLineDataset(str(path))
        assert dataset.output_types is tf.string
        following = dataset.make_one_shot_iterator().get_next()
        assert [session.run(following) for _ in range(2)] == [b"a", b"b"]


def test_numbers_and_queries(tmp_path):
    numbers = v1.data.experimental.RandomDataset(seed=3).take(2)
    assert listed(numbers) == [(x,) for x in tf.data.Dataset.random(3).take(2).as_numpy_iterator()]
    path = str(tmp_path / "database")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (name TEXT)")
        connection.execute("INSERT INTO t VALUES ('a')")
    query = "SELECT name FROM t"
    assert listed(v1.data.experimental.SqlDataset("sqlite", path, query, (tf.string,))) == [(b"a",)]
