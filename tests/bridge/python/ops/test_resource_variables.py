"""Variables by the private class of TensorFlow."""

import abc

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.names import private_modules
from penstock._src.bridge.python.ops.resource_variable_ops import ResourceVariable


@pytest.mark.parametrize("options", [{}, {"shape": (), "dtype": tf.float32}])
def test_variables_of_handles_share_their_value(options):
    first = ResourceVariable(1.0)
    second = ResourceVariable(handle=first.handle, **options)
    assert second.handle is first.handle and second.shape == [] and second.dtype == tf.float32
    second.assign(3.0)
    assert float(first) == 3.0


def test_variables_of_handles_in_graphs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        first = ResourceVariable(1.0)
        second = ResourceVariable(handle=first.handle, shape=(), dtype=tf.float32)
        session.run(first.initializer)
        assert session.run(second) == 1.0


GETITEM = private_modules.build("python.ops.tensor_getitem_override", "getitem")


class Parameter:
    """What has a value, as parameters of zfit."""

    __getitem__ = GETITEM._slice_helper_var

    def value(self):
        return tf.constant([[1.0, 2.0], [3.0, 4.0]])


def test_variables_are_indexed_and_assigned_to():
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    column = GETITEM._slice_helper_var(variable, (slice(None), 1))
    np.testing.assert_array_equal(column, [2.0, 4.0])
    column.assign([9.0, 8.0])
    np.testing.assert_array_equal(variable, [[1.0, 9.0], [3.0, 8.0]])


def test_what_has_a_value_is_indexed():
    np.testing.assert_array_equal(Parameter()[1], [3.0, 4.0])
    np.testing.assert_array_equal(GETITEM._slice_helper(tf.range(4), slice(1, 3)), [1, 2])


class ParameterMetaclass(type(tf.Variable), abc.ABCMeta):
    """A metaclass as libraries derive it from that of variables."""


class Named(abc.ABC):
    @abc.abstractmethod
    def describe(self):
        """Returns a text."""


class NamedParameter(Named, ResourceVariable, metaclass=ParameterMetaclass):
    def describe(self):
        return f"{self.name}={float(self)}"


def test_classes_derive_from_variables_and_abstract_classes():
    parameter = NamedParameter(1.5, name="mu")
    assert parameter.describe() == "mu:0=1.5"
    with tf.GradientTape() as tape:
        square = parameter**2
    assert float(tape.gradient(square, parameter)) == 3.0
    assert isinstance(parameter, tf.Variable) and isinstance(tf.Variable(1.0), ResourceVariable)
    assert not isinstance(tf.Variable(1.0), NamedParameter)


def test_the_metaclass_of_variables_has_its_private_name():
    variables = private_modules.build("python.ops.variables", "variables")
    assert type(tf.Variable) is type(ResourceVariable) is variables.VariableMetaclass


class Composed(tf.Variable):
    """A variable of others, as libraries derive it from TensorFlow's interface of variables."""

    def __init__(self, function):
        self._function = function
        with pytest.raises(NotImplementedError):
            super().__init__(name="composed")

    def value(self):
        return self._function()

    dtype = property(lambda self: tf.float32)


def test_classes_derived_from_the_interface_have_values_of_their_own():
    variable = tf.Variable(2.0)
    with pytest.raises(ValueError, match="must be specified"):
        tf.Variable(None)
    with tf.GradientTape() as tape:
        product = Composed(lambda: variable * 3.0) * 2.0
    assert float(product) == 12.0
    assert float(tape.gradient(product, variable)) == 6.0
