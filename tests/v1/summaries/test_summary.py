"""tf.compat.v1.summary, graphs in event files, and reading them again."""

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

import penstock as tf

v1 = tf.compat.v1


def test_file_writer(tmp_path):
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], name="x")
        v1.summary.scalar("loss", x)
        v1.summary.histogram("h", tf.stack([x, x + 1.0]))
        merged = v1.summary.merge_all()
        with v1.Session() as session, v1.summary.FileWriter(tmp_path, graph) as writer:
            for step in range(2):
                writer.add_summary(session.run(merged, {x: step * 2.0}), step)
    found = event_accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(0, 0.0), (1, 2.0)]
    histogram = found.Histograms("h")[-1].histogram_value
    assert (histogram.min, histogram.max, histogram.num) == (2.0, 3.0, 2)
    assert {node.name for node in found.Graph().node} >= {"x", "loss", "h"}


def test_reading_events(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.scalar("a", 1.0, step=3)
    (path,) = tmp_path.iterdir()
    events = list(v1.train.summary_iterator(str(path)))
    assert events[0].file_version == "brain.Event:2"
    assert events[1].step == 3 and events[1].summary.value[0].tag == "a"


def test_graph_of_a_function(tmp_path):
    @tf.function
    def double(x):
        return x * 2

    tf.summary.trace_on()
    double(tf.constant(1.0))
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.trace_export("double", step=0)
        assert tf.summary.graph(double.get_concrete_function(tf.constant(1.0)).graph)
    found = event_accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    assert "Mul" in {node.op for node in found.Graph().node}
    assert found.SummaryMetadata("double").plugin_data.plugin_name == "graph_run_metadata_graph"
    with pytest.raises(ValueError, match="Must enable trace"):
        tf.summary.trace_export("again", step=1)


def test_image_summaries_hold_encoded_pictures(tmp_path):
    pixels = np.zeros((2, 4, 3, 1), np.uint8)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.image("picture", pixels, step=0)
    (path,) = tmp_path.iterdir()
    event = list(v1.train.summary_iterator(str(path)))[1]
    value = tf.make_ndarray(event.summary.value[0].tensor)
    assert value[:2].tolist() == [b"3", b"4"] and value[2].startswith(b"\x89PNG")
    assert len(value) == 4


def test_merged_summaries_have_a_scope():
    with tf.Graph().as_default():
        tf.compat.v1.summary.scalar("loss", 1.0)
        assert tf.compat.v1.summary.merge_all().name == "Merge/MergeSummary:0"
        assert tf.compat.v1.summary.merge_all(name="all").name == "all/all:0"
