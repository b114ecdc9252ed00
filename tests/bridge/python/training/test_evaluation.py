"""Evaluation of a checkpoint as tf_slim does it: TensorFlow's results."""

import pytest

import penstock as tf
from penstock._src.bridge.python.training import evaluation

v1 = tf.compat.v1


def saved(folder):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=5.0)
        session.run(v.initializer)
        return v1.train.Saver([v]).save(session, str(folder / "model"))


@pytest.mark.parametrize("form", ["tensor", "list", "dict"])
def test_a_loop_ends_after_the_evaluations_asked_for(tmp_path, form):
    path = saved(tmp_path)
    with tf.Graph().as_default():
        v = v1.get_variable("v", initializer=0.0)
        total = v1.get_local_variable("total", initializer=0.0)
        update = total.assign_add(v)
        ops = {"tensor": update, "list": [update], "dict": {"total": update}}[form]
        hook = evaluation._StopAfterNEvalsHook(3, log_progress=False)
        assert evaluation._evaluate_once(path, eval_ops=ops, final_ops=total, hooks=[hook]) == 15.0


def test_without_operations_only_the_final_ones_run(tmp_path):
    with tf.Graph().as_default():
        v = v1.get_variable("v", initializer=0.0)
        assert evaluation._evaluate_once(saved(tmp_path), final_ops={"v": v}) == {"v": 5.0}


def test_the_end_of_the_data_ends_a_loop():
    with tf.Graph().as_default():
        data = v1.data.make_one_shot_iterator(tf.data.Dataset.range(4)).get_next()
        total = v1.get_local_variable("total", initializer=tf.constant(0, tf.int64))
        hook = evaluation._StopAfterNEvalsHook(None)
        ops = total.assign_add(data)
        assert evaluation._evaluate_once(None, eval_ops=ops, final_ops=total, hooks=[hook]) == 6


def test_a_graph_has_one_count():
    with tf.Graph().as_default() as graph:
        counter = evaluation._get_or_create_eval_step()
        assert evaluation._get_or_create_eval_step() is counter and counter.dtype == tf.int64
        graph.add_to_collection(v1.GraphKeys.EVAL_STEP, counter)
        with pytest.raises(ValueError, match="Multiple tensors"):
            evaluation._get_or_create_eval_step()
