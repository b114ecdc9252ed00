"""Saver.restore reads checkpoints of tf.train.Checkpoint by the names that variables had in them."""

import numpy as np
import pytest

import penstock as tf
from penstock import compat

v1 = compat.v1


@pytest.fixture
def path(tmp_path):
    with v1.Graph().as_default(), v1.Session() as session:
        v, w = tf.Variable(5.0, name="v"), tf.Variable([1.0, 2.0], name="w")
        session.run(v1.global_variables_initializer())
        return tf.train.Checkpoint(x=v, y=[w]).save(str(tmp_path / "c"))


@pytest.mark.parametrize("kind", [True, False])
def test_variables_are_found_by_name(path, kind):
    with v1.Graph().as_default() as graph, v1.Session() as session:
        w = v1.get_variable("w", [2], use_resource=kind)
        v = v1.get_variable("v", [], use_resource=kind)
        saver = v1.train.Saver()
        saver.restore(session, path)
        assert session.run(v) == 5.0
        np.testing.assert_array_equal(session.run(w), [1.0, 2.0])
        session.run(v.assign(0.0))
        count = len(graph.get_operations())
        saver.restore(session, path)
        assert session.run(v) == 5.0
        assert len(graph.get_operations()) == count  # a second time adds nothing


def test_a_dict_says_the_names(path):
    with v1.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("other", [])
        v1.train.Saver({"v": v}).restore(session, path)
        assert session.run(v) == 5.0


def test_variables_that_are_missing_are_named(path):
    with v1.Graph().as_default(), v1.Session() as session:
        v1.get_variable("z", [])
        with pytest.raises(tf.errors.NotFoundError, match="not in the checkpoint: z"):
            v1.train.Saver().restore(session, path)


def test_eager_variables_are_found_by_name(path):
    v, w = tf.Variable(0.0, name="v"), tf.Variable([0.0, 0.0], name="w")
    v1.train.Saver([v, w]).restore(None, path)
    assert v.numpy() == 5.0
    np.testing.assert_array_equal(w, [1.0, 2.0])
    z = tf.Variable(3.0, name="z")
    with pytest.raises(tf.errors.NotFoundError, match="Key z"):
        v1.train.Saver([v, z]).restore(None, path)
    assert z.numpy() == 3.0
