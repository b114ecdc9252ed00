"""Summaries in a database: the rows that TensorFlow 2.21 writes."""

import sqlite3

import numpy as np

import penstock as tf

raw = tf.raw_ops


def rows(path, query):
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


def test_summaries_and_graphs_go_into_tables(tmp_path):
    path, writer = str(tmp_path / "s.db"), raw.SummaryWriter()
    raw.CreateSummaryDbWriter(
        writer=writer, db_uri=path, experiment_name="exp", run_name="run", user_name="me"
    )
    raw.WriteScalarSummary(writer=writer, step=3, tag="loss", value=2.5)
    raw.WriteScalarSummary(writer=writer, step=4, tag="loss", value=1.0)
    raw.WriteHistogramSummary(writer=writer, step=5, tag="h", values=[1.0, 2.0])
    raw.WriteImageSummary(
        writer=writer, step=6, tag="im", tensor=np.zeros((1, 2, 2, 3), np.uint8),
        bad_color=np.array([255, 0, 0, 255], np.uint8),
    )  # fmt: skip
    with tf.Graph().as_default() as graph:
        tf.add(tf.constant(1.0, name="a"), 2.0, name="s")
    raw.WriteGraphSummary(writer=writer, step=0, tensor=graph.as_graph_def().SerializeToString())
    raw.CloseSummaryWriter(writer=writer)
    assert rows(
        path, "SELECT user_name, experiment_name, run_name FROM Users, Experiments, Runs"
    ) == [("me", "exp", "run")]
    assert rows(path, "SELECT tag_name, plugin_name FROM Tags") == [
        ("loss", "scalars"), ("h", "histograms"), ("im/image/0", "images"),
    ]  # fmt: skip
    found = rows(path, "SELECT step, dtype, shape, data FROM Tensors")
    assert [row[:3] for row in found] == [(3, 1, ""), (4, 1, ""), (5, 2, "5,3"), (6, 7, "3")]
    assert np.frombuffer(found[0][3], np.float32) == 2.5
    histogram = np.frombuffer(found[2][3], np.float64).reshape(5, 3)
    np.testing.assert_allclose(histogram[1], [0.917246, 1.008971, 1], atol=1e-6)
    assert rows(path, "SELECT data FROM TensorStrings LIMIT 2") == [(b"2",), (b"2",)]
    assert [op for (op,) in rows(path, "SELECT op FROM Nodes")] == ["Const", "Const", "AddV2"]
    query = "SELECT node_id, idx, input_node_id, is_control FROM NodeInputs"
    assert rows(path, query) == [(2, 0, 0, 0), (2, 1, 1, 0)]


def test_events_are_imported(tmp_path):
    writer = raw.SummaryWriter()
    raw.CreateSummaryFileWriter(
        writer=writer, logdir=str(tmp_path), max_queue=9, flush_millis=1, filename_suffix=""
    )
    event = tf.compat.v1.Event(wall_time=5.0, step=7)
    event.summary.value.add(tag="q", simple_value=3.0)
    raw.ImportEvent(writer=writer, event=event.SerializeToString())
    raw.CloseSummaryWriter(writer=writer)
    (path,) = tmp_path.iterdir()
    assert list(tf.compat.v1.train.summary_iterator(str(path)))[1] == event
