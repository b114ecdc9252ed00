"""Savers and meta graphs of compat.v1."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_save_and_restore(tmp_path):
    with tf.Graph().as_default():
        a = v1.get_variable("a", initializer=[1.0, 2.0])
        step = v1.get_variable("step", initializer=3)
        saver = v1.train.Saver(max_to_keep=2)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            path = saver.save(session, str(tmp_path / "m"), global_step=step)
            assert path == str(tmp_path / "m-3")
            session.run(a.assign([9.0, 9.0]))
            saver.restore(session, path)
            np.testing.assert_array_equal(session.run(a), [1, 2])
            for number in (4, 5):
                saver.save(session, str(tmp_path / "m"), global_step=number)
            assert saver.last_checkpoints == [str(tmp_path / "m-4"), str(tmp_path / "m-5")]
            with pytest.raises(ValueError, match="not a valid checkpoint"):
                saver.restore(session, path)
    assert [name for name, _ in tf.train.list_variables(tmp_path)] == ["a", "step"]


def test_meta_graphs(tmp_path):
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None], name="x")
        weight = v1.get_variable("w", initializer=2.0)
        v1.add_to_collection("results", tf.multiply(x, weight, name="y"))
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            path = v1.train.Saver().save(session, str(tmp_path / "g"))
    with tf.Graph().as_default() as graph:
        saver = v1.train.import_meta_graph(path + ".meta")
        (y,) = v1.get_collection("results")
        assert [v.name for v in v1.trainable_variables()] == ["w:0"]
        with v1.Session() as session:
            saver.restore(session, path)
            x = graph.get_tensor_by_name("x:0")
            np.testing.assert_array_equal(session.run(y, {x: [1.0, 3.0]}), [2, 6])


def test_nothing_to_save():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="No variables to save"):
            v1.train.Saver()


def test_the_last_folder_is_made(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("a", initializer=1.0)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver()
        assert saver.save(session, str(tmp_path / "new" / "m")) == str(tmp_path / "new" / "m")
        with pytest.raises(ValueError, match="Parent directory"):
            saver.save(session, str(tmp_path / "neither" / "nor" / "m"))


def test_a_checkpoint_is_not_written_over_the_state_file(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        session.run(v1.get_variable("a", initializer=1.0).initializer)
        saver = v1.train.Saver()
        for name, options in ("checkpoint", {}), ("foo", {"latest_filename": "foo"}):
            with pytest.raises(ValueError, match="'latest_filename' collides with 'save_path'"):
                saver.save(session, str(tmp_path / name), **options)
        with pytest.raises(ValueError, match="must not contain path components"):
            saver.save(session, str(tmp_path / "m"), latest_filename="a/foo")
        assert saver.save(session, str(tmp_path / "checkpoint"), global_step=3)
