"""What Savers write: slices of partitioned variables, objects of users, shards."""

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock._src.v1.saving.builder import SaverBuilder
from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec


def partitioned(parts):
    cut = tf.fixed_size_partitioner(parts)
    return tf.get_variable("p", [4, 2], initializer=tf.random_normal_initializer(), partitioner=cut)


@pytest.mark.parametrize("sharded", [False, True])
def test_slices_make_one_tensor(tmp_path, sharded):
    with tf.Graph().as_default(), tf.Session() as session:
        whole = tf.convert_to_tensor(partitioned(2))
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver(sharded=sharded).save(session, str(tmp_path / "c"))
        expected = session.run(whole)
    assert tf.train.list_variables(path) == [("p", [4, 2])]
    with tf.Graph().as_default(), tf.Session() as session:
        whole = tf.convert_to_tensor(partitioned(4))  # other slices of the same tensor
        tf.train.Saver(sharded=sharded).restore(session, path)
        assert np.array_equal(session.run(whole), expected)


class Doubled(SaveableObject):
    """Writes twice the value, and takes half of it back."""

    def __init__(self, variable, name):
        super().__init__(variable, [SaveSpec(2 * variable.read_value(), "", name)], name)

    def restore(self, restored_tensors, restored_shapes):
        return self.op.assign(restored_tensors[0] / 2)


def test_objects_of_users_are_saved_their_way(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=3.0)
        saver = tf.train.Saver([Doubled(v, "double")], builder=SaverBuilder())
        session.run(v.initializer)
        path = saver.save(session, str(tmp_path / "c"))
        assert tf.train.load_variable(path, "double") == 6
        session.run(v.assign(0.0))
        saver.restore(session, path)
        assert session.run(v) == 3


def test_names_of_operations_are_those_of_tensorflow():
    with tf.Graph().as_default() as graph:
        tf.get_variable("v", [2])
        before = len(graph.get_operations())
        tf.train.Saver()
        assert [op.name for op in graph.get_operations()[before:]] == [
            "save/filename/input",
            "save/filename",
            "save/Const",
            "save/SaveV2/tensor_names",
            "save/SaveV2/shape_and_slices",
            "save/SaveV2",
            "save/control_dependency",
            "save/RestoreV2/tensor_names",
            "save/RestoreV2/shape_and_slices",
            "save/RestoreV2",
            "save/Identity",
            "save/AssignVariableOp",
            "save/restore_all",
        ]


def test_what_does_not_fit_is_refused(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=3.0)
        with pytest.raises(ValueError, match="restored with two names"):
            tf.train.Saver({"a": v, "b": v})
        with pytest.raises(ValueError, match="Slices must all be slices"):
            tf.train.Saver({"a": [v]})
        session.run(v.initializer)
        path = tf.train.Saver({"a": v}).save(session, str(tmp_path / "c"))
        with pytest.raises(tf.errors.NotFoundError, match="missing from the checkpoint"):
            tf.train.Saver({"b": v}).restore(session, path)
