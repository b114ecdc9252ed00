"""Variables of SavedModels: made and restored without ops, unless something sees those."""

import pytest

import penstock as tf
from penstock._src.core.calls import op_callbacks
from penstock._src.saving.saved_model.load import empty_variable


@pytest.fixture
def folder(tmp_path):
    module = tf.Module()
    module.v = tf.Variable([1.0, 2.0], trainable=False, name="weights")
    tf.saved_model.save(module, str(tmp_path / "model"))
    return str(tmp_path / "model")


def test_it_is_as_one_that_ops_made():
    plain = tf.Variable(tf.zeros([2]), name="weights", trainable=False, shape=[None])
    loaded = empty_variable(tf.float32, tf.TensorShape([None]), "weights", False)
    loaded.assign([3.0, 4.0, 5.0])
    assert vars(plain).keys() == vars(loaded).keys()
    for name in vars(plain).keys() - {"_handle", "_unique"}:
        assert getattr(plain, name) == getattr(loaded, name), name
    assert vars(plain.handle._value).keys() == vars(loaded.handle._value).keys()
    assert plain.handle._handle_data == loaded.handle._handle_data
    assert loaded.numpy().tolist() == [3.0, 4.0, 5.0]


def test_creators_and_callbacks_see_them(folder):
    names, ops = [], []

    def creator(make, **arguments):
        names.append(arguments["name"])
        return make(**arguments)

    def callback(op_type, *_, **__):
        ops.append(op_type)

    with tf.variable_creator_scope(creator):
        assert tf.saved_model.load(folder).v.numpy().tolist() == [1.0, 2.0]
    op_callbacks.add(callback)
    try:
        assert tf.saved_model.load(folder).v.numpy().tolist() == [1.0, 2.0]
    finally:
        op_callbacks.remove(callback)
    assert names == ["weights"]
    assert ops.count("AssignVariableOp") == 2


def test_values_that_do_not_fit_are_refused(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(str(tmp_path / "values"))
    with pytest.raises(ValueError, match="incompatible tensor with shape"):
        tf.train.Checkpoint(v=tf.Variable([1.0, 2.0, 3.0])).read(path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected dtype int32"):
        tf.train.Checkpoint(v=tf.Variable([1, 2])).read(path)


def test_variables_with_a_way_of_their_own_are_restored_by_it(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(str(tmp_path / "values"))
    variable, given = tf.Variable([0.0, 0.0]), []
    variable.__dict__["_restore_from_tensors"] = given.append
    tf.train.Checkpoint(v=variable).read(path)
    assert [list(tensors) for tensors in given] == [["VARIABLE_VALUE"]]
    assert variable.numpy().tolist() == [0.0, 0.0]
