"""The order and the paths of a module's variables, and strategies of local devices. As in TensorFlow 2.21."""

import pytest

import penstock as tf
from penstock._src.api.module import _is_variable
from penstock._src.distribute.mirrored.variables import MirroredVariable


def test_variables_of_dicts_stand_in_the_order_of_keys():
    module = tf.Module()
    module.held = {"b": tf.Variable(1.0, name="b"), "a": tf.Variable(1.0, name="a")}
    assert [variable.name for variable in module.variables] == ["a:0", "b:0"]
    module.mixed = {1: tf.Variable(1.0), "x": tf.Variable(1.0)}
    with pytest.raises(ValueError, match="Error processing property 'mixed'"):
        module.variables  # noqa: B018
    scope = module.name_scope
    assert module.name_scope is scope


def test_every_path_to_a_variable_is_told():
    module = tf.Module()
    module.inner = module.again = tf.Module()
    module.w = tf.Variable(1.0)
    module.inner.up = module
    paths = dict(module._flatten(with_path=True, predicate=_is_variable))
    assert set(paths) == {("w",), ("inner", "up", "w"), ("again", "up", "w")}
    assert len(module.variables) == 1


def test_one_worker_with_several_devices():
    strategy = tf.distribute.MultiWorkerMirroredStrategy._from_local_devices(["/cpu:0", "/cpu:1"])
    with strategy.scope():
        variable = tf.Variable(1.0)
    assert isinstance(variable, MirroredVariable) and len(variable._devices) == 2


def test_a_name_scope_does_not_read_all_attributes():
    read = []

    class Watched(tf.Module):
        def __getattribute__(self, name):
            read.append(name)
            return super().__getattribute__(name)

    module = Watched(name="m")
    first = module.name_scope
    read.clear()
    assert module.name_scope is first and "__dict__" not in read
