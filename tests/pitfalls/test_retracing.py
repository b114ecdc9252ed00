"""A tf.function made anew in every call, and one that is traced for every value: a sentence, once."""

import logging

import pytest

import penstock as tf


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "penstock")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_function_made_in_every_call(said):
    def area(x):
        return tf.function(lambda side: side * side)(x)

    for _ in range(12):
        area(tf.constant(2.0))
    (message,) = said()
    assert "traced each time" in message and "once, outside" in message
    assert __file__ in message, "it names the place"


def double(x):
    return 2.0 * x


def test_a_function_of_a_module_wrapped_in_every_call(said):
    for _ in range(12):
        tf.function(double)(tf.constant(2.0))
    (message,) = said()
    assert "applied 5 times to double" in message


def test_a_python_number_that_changes(said):
    @tf.function
    def scaled(x, factor):
        return x * factor

    for factor in range(12):
        scaled(tf.constant(1.0), float(factor))
    (message,) = said()
    assert "scaled" in message and "tf.constant" in message and "input_signature" in message


def test_one_function_for_each_object_is_as_it_should_be(said):
    class Layer(tf.Module):
        @tf.function
        def __call__(self, x):
            return x + 1.0

    layers = [Layer() for _ in range(12)]
    for layer in layers:
        layer(tf.constant(1.0))
    assert not said()


def test_a_method_of_a_temporary_object():
    class Scale:
        factor = 2.0

        @tf.function
        def apply(self, x):
            return self.factor * x

    assert Scale().apply(tf.constant(1.0)).numpy() == 2
