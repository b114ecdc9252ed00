"""The class of variables has TensorFlow's name: programs read `type(v).__name__`."""

import copy
import json
import pickle

import pytest

import penstock as tf
from penstock._src.eager import variable as variable_module


def test_variables_are_resource_variables_by_name(tmp_path):
    v = tf.Variable([1.0, 2.0])
    module = tf.Module()
    module.v = v
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path)).v
    with tf.Graph().as_default():
        in_graph = tf.Variable(1.0)
    for variable in (v, copy.deepcopy(v), pickle.loads(pickle.dumps(v)), loaded, in_graph):
        assert type(variable).__name__ == "ResourceVariable"
        assert isinstance(variable, tf.Variable)
    assert tf.Variable.__name__ == "Variable"


def test_errors_of_python_name_the_class_of_variables():
    v = tf.Variable(1.0)
    with pytest.raises(TypeError, match="'ResourceVariable' object is not callable"):
        v()
    with pytest.raises(AttributeError, match="'ResourceVariable' object has no attribute 'foo'"):
        _ = v.foo
    with pytest.raises(TypeError, match="type ResourceVariable is not JSON serializable"):
        json.dumps(v)


def test_creators_and_derived_classes_are_kept():
    class Named(tf.Variable):
        """A class of a user's."""

        def __init__(self, value):
            super().__init__(value, name="named")

    with pytest.raises(NotImplementedError):
        Named(None)

    def creator(create, **arguments):
        return create(**{**arguments, "name": "renamed"})

    with tf.variable_creator_scope(creator):
        v = tf.Variable(2.0)
    assert v.name == "renamed:0" and type(v).__name__ == "ResourceVariable"


def test_what_counts_as_a_variable(monkeypatch):
    class Own(tf.Variable):
        """A class of a user's."""

    class Registered:
        """A class that is not derived from tf.Variable."""

    tf.Variable.register(Registered)
    v = tf.Variable(1.0)
    assert isinstance(v, tf.Variable) and isinstance(v, type(v)) and not isinstance(v, Own)
    assert isinstance(Registered(), tf.Variable) and isinstance(Registered(), type(v))
    assert not isinstance(v.value(), tf.Variable) and not isinstance(1.0, type(v))
    # The slow check of abstract classes is for others.
    monkeypatch.setattr(variable_module, "ABCMeta", None)
    assert isinstance(v, tf.Variable) and isinstance(v, type(v))
