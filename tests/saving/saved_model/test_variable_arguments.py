"""SavedModels of functions that take variables."""

import pytest

import penstock as tf


class Model(tf.Module):
    def __init__(self):
        self.a, self.b = tf.Variable(3.0), tf.Variable(5.0)

    @tf.function
    def double(self, x):
        return x * 2.0

    @tf.function
    def grow(self, x, y):
        x.assign_add(1.0)
        return x + y

    @tf.function
    def whole(self):
        return self.double(self.a) + self.double(self.b)


@pytest.fixture
def restored(tmp_path):
    model = Model()
    model.grow(model.a, model.b)
    model.grow(model.a, model.a)
    model.whole()
    model.concrete = model.double.get_concrete_function(model.b)
    tf.saved_model.save(model, str(tmp_path))
    return tf.saved_model.load(str(tmp_path))


def test_a_restored_function_takes_other_variables(restored):
    assert float(restored.double(restored.b)) == 10.0
    assert float(restored.double(tf.Variable(7.0))) == 14.0
    assert float(restored.concrete(restored.a)) == 10.0
    assert float(restored.whole()) == 20.0


def test_a_restored_function_has_a_trace_for_the_same_variable_twice(restored):
    a, b = tf.Variable(1.0), tf.Variable(10.0)
    assert (float(restored.grow(a, b)), float(restored.grow(b, b))) == (12.0, 22.0)
    assert (float(a), float(b)) == (2.0, 11.0)


def test_a_restored_function_refuses_other_types(restored):
    for other in (tf.Variable(1), tf.Variable([1.0]), tf.constant(1.0)):
        with pytest.raises(ValueError, match="Could not find matching concrete function"):
            restored.double(other)


def test_gradients_of_a_restored_function_flow_to_its_variables(restored):
    variable = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        result = restored.double(variable)
    assert float(tape.gradient(result, variable)) == 2.0


def test_a_function_of_variables_is_no_signature(tmp_path):
    model = Model()
    concrete = model.double.get_concrete_function(model.a)
    with pytest.raises(ValueError, match="cannot be exported as signatures"):
        tf.saved_model.save(model, str(tmp_path), signatures=concrete)
