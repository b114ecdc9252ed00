"""Writers of summaries in graphs and sessions: what shares a file, and what events they write."""

import glob

import pytest

import penstock as tf
from penstock._src.bridge.python.ops import summary_ops_v2

v1 = tf.compat.v1


def _events(folder):
    return [
        e
        for path in sorted(glob.glob(f"{folder}/*tfevents*"))
        for e in v1.train.summary_iterator(path)
    ]


def test_operations_of_a_graph_write_when_they_run(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        writer = tf.summary.create_file_writer(str(tmp_path))
        with writer.as_default():
            written = tf.summary.write("tag", 1.0, step=3)
        assert v1.summary.all_v2_summary_ops() == [written]
        session.run(writer.init())
        session.run([written])
        session.run(written)
        session.run(writer.flush())
    assert [event.step for event in _events(tmp_path)] == [0, 3, 3]


def test_writers_of_a_session_share_the_file_of_a_folder(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        for tag in ("one", "two"):
            summary = v1.Summary(value=[v1.Summary.Value(tag=tag, simple_value=1.0)])
            writer = v1.summary.FileWriter(str(tmp_path), session=session)
            writer.add_summary(summary)
            writer.flush()
        legacy = summary_ops_v2.create_file_writer(str(tmp_path))
        with summary_ops_v2.always_record_summaries(), legacy.as_default():
            written = summary_ops_v2.scalar("three", 3.0, step=3)
        session.run(legacy.init())
        session.run(written)
        session.run(legacy.flush())
    assert len(glob.glob(f"{tmp_path}/*")) == 1
    assert [e.summary.value[0].tag for e in _events(tmp_path)[1:]] == ["one", "two", "three"]


def test_a_graph_is_written_once_as_graph_and_with_its_ops(tmp_path):
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1.0, name="made")
        v1.summary.FileWriter(str(tmp_path), graph).close()
        with pytest.raises(ValueError, match="not both"):
            v1.summary.FileWriter(str(tmp_path / "both"), graph, graph_def=graph.as_graph_def())
    _, graph_event, meta_event = _events(tmp_path)
    assert v1.GraphDef.FromString(graph_event.graph_def).node[0].name == "made"
    meta = v1.MetaGraphDef.FromString(meta_event.meta_graph_def)
    assert [op.name for op in meta.meta_info_def.stripped_op_list.op] == ["Const"]


def test_metadata_are_written_with_a_tags_first_summary(tmp_path):
    value = v1.Summary.Value(tag="tag", simple_value=1.0)
    value.metadata.plugin_data.plugin_name = "plugin"
    with tf.Graph().as_default():
        writer = v1.summary.FileWriter(str(tmp_path))
        for _ in range(2):
            writer.add_summary(v1.Summary(value=[value]))
        writer.close()
    described = [event.summary.value[0].HasField("metadata") for event in _events(tmp_path)[1:]]
    assert described == [True, False]


def test_a_writer_of_nothing_leaves_the_default_writer(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        with tf.summary.create_noop_writer().as_default():
            assert tf.summary.write("tag", 1.0, step=0)


def test_families_stand_before_tags_and_names():
    with tf.Graph().as_default(), v1.Session() as session, tf.name_scope("outer"):
        made = [v1.summary.scalar("in ner", 7, family="family") for _ in range(2)]
        assert [m.op.name for m in made] == ["outer/family/in_ner", "outer/family/in_ner_1"]
        tags = [v1.Summary.FromString(s).value[0].tag for s in session.run(made)]
    assert tags == ["family/outer/family/in_ner", "family/outer/family/in_ner_1"]


def test_initialize_writes_the_graph(tmp_path):
    with tf.Graph().as_default() as graph:
        writer = tf.summary.create_file_writer(str(tmp_path))
        with writer.as_default(), v1.Session() as session:
            tf.constant(1.0, name="found")
            v1.summary.initialize(graph=graph, session=session)
            session.run(writer.flush())
    (written,) = [e.graph_def for e in _events(tmp_path) if e.HasField("graph_def")]
    assert b"found" in written
