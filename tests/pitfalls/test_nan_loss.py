"""A loss that is NaN from the first step: a sentence that says what was found."""

import inspect
import logging

import keras
import numpy as np
import pytest

import penstock as tf


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "penstock")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return random.random((32, 4), np.float32), random.integers(0, 3, 32)


def log_of_zero(targets, answers):
    return keras.ops.mean(keras.ops.log(0.0 * answers) * 0.0)


def test_nan_in_the_input(network, data, said):
    x, y = data
    x[3, 1] = np.nan
    network().fit(x, y, epochs=3, verbose=0)
    (message,) = said()
    assert message.startswith("The loss is nan after the first step.")
    assert "1 of 128 numbers in the input are NaN" in message


def test_log_of_zero(network, data, said):
    network(loss=log_of_zero).fit(*data, verbose=0)
    (message,) = said()
    assert "input holds no NaN" in message and "log" in message and "from_logits" in message


def test_learning_rate(network, data, said):
    x, _ = data
    model = network(keras.optimizers.SGD(1e20), "mse")
    model.fit(x, np.ones((32, 3), "float32"), epochs=3, batch_size=8, verbose=0)
    (message,) = said()
    assert "first epoch" in message and "learning rate is 1e+20" in message


def test_a_dataset_is_not_looked_at(network, data, said):
    x, y = data
    x[:] = np.nan
    network().fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(8), verbose=0)
    (message,) = said()
    assert "were not looked at" in message


def test_labels_outside_the_classes_are_named(network, data):
    from penstock._src.bridge.keras_modules.hints import why_not_finite

    x, y = data
    (message,) = why_not_finite(network(), x, y + 1, from_first=True)
    assert "labels go from 1 to 3, but the model has 3 classes" in message


def test_a_loss_that_is_well_says_nothing(network, data, said):
    own = keras.callbacks.History()
    model = network()
    history = model.fit(*data, epochs=2, verbose=0, callbacks=[own])
    assert not said() and len(history.history["loss"]) == 2


def test_fit_keeps_its_signature():
    assert list(inspect.signature(keras.Model.fit).parameters)[:3] == ["self", "x", "y"]
