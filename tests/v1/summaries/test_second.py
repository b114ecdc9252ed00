"""Summaries of TensorFlow 1 with a writer of TensorFlow 2 as the default."""

import pytest

import penstock as tf

summary = tf.compat.v1.summary


def written(folder):
    (path,) = folder.iterdir()
    events = tf.compat.v1.train.summary_iterator(str(path))
    return [
        (e.step, v.tag, v.metadata.plugin_data.plugin_name) for e in events for v in e.summary.value
    ]


def test_summaries_go_to_the_writer(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=3):
        assert summary.scalar("loss", 0.5).numpy() == b""
        with tf.name_scope("outer"):
            summary.scalar("loss", 0.5, family="f")
            summary.histogram("h", [1.0, 2.0])
        summary.text("t", tf.constant("words"))
        summary.image("i", tf.zeros([1, 2, 2, 3]))
        summary.audio("a", tf.zeros([2, 8]), 8000)
        tf.function(lambda x: summary.scalar("within", x))(tf.constant(1.0))
    assert written(tmp_path) == [
        (3, "loss", "scalars"),
        (3, "f/outer/f/loss", "scalars"),
        (3, "outer/h", "histograms"),
        (3, "t", "text"),
        (3, "i", "images"),
        (3, "a", "audio"),
        (3, "within", "scalars"),
    ]


def test_without_a_writer_or_a_step_they_are_messages(tmp_path):
    with pytest.warns(UserWarning, match="default summary writer not found"):
        assert summary.scalar("x", 1.0).numpy() == b"\n\x08\n\x01x\x15\x00\x00\x80?"
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        with pytest.warns(UserWarning, match="global step not set"):
            assert summary.scalar("x", 1.0).numpy()


def test_graphs_of_tensorflow_1_have_messages(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=1):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            assert session.run(summary.scalar("x", 1.0))
