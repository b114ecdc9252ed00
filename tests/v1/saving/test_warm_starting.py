"""Variables that begin with those of a checkpoint, whose rows stand for other words."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def checkpoint(tmp_path):
    """A matrix of a checkpoint with a row for each word."""
    (tmp_path / "old").write_text("a\nb\nc\n")
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("m", initializer=[[1.0], [2.0], [3.0]])
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "ckpt"))
    return tmp_path


@pytest.mark.parametrize("parts", [1, 2])
def test_rows_follow_their_words(checkpoint, parts):
    """New words begin with the initializer's values; parts of a variable take their own rows."""
    (checkpoint / "new").write_text("c\nx\na\nb\n")
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.get_variable(
            "w",
            shape=[5, 1],
            initializer=v1.zeros_initializer(),
            partitioner=v1.fixed_size_partitioner(parts),
        )
        info = v1.train.VocabInfo(
            str(checkpoint / "new"),
            4,
            1,
            str(checkpoint / "old"),
            backup_initializer=v1.constant_initializer(9.0),
        )
        v1.train.warm_start(
            str(checkpoint),
            var_name_to_vocab_info={"w": info},
            var_name_to_prev_var_name={"w": "m"},
        )
        session.run(v1.global_variables_initializer())
        found = session.run(tf.convert_to_tensor(variable))
    np.testing.assert_array_equal(found[:, 0], [3.0, 9.0, 1.0, 2.0, 9.0])


def test_names_that_select_nothing_are_refused(checkpoint):
    """A vocabulary for a variable that is not warm-started is a mistake."""
    with tf.Graph().as_default():
        v1.get_variable("m", shape=[3, 1])
        info = v1.train.VocabInfo("new", 1, 0, "old")
        with pytest.raises(ValueError, match="not warm-started"):
            v1.train.warm_start(str(checkpoint), var_name_to_vocab_info={"y": info})
