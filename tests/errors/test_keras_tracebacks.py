"""Errors of Keras on Penstock show the user's lines, without Keras's frames and Penstock's."""

import traceback

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.locations import is_users


@pytest.fixture(scope="module")
def model():
    made = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(3)])
    made.compile("sgd", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def printed(call):
    with pytest.raises((ValueError, TypeError, tf.errors.OpError)) as caught:
        call()
    error = caught.value
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert all(map(is_users, files))
    return "".join(traceback.format_exception(error))


def test_a_wrong_shape_takes_less_than_twenty_lines(model):
    text = printed(lambda: model(tf.ones([2, 5])))
    assert text.count("\n") < 20 and "expected axis -1 of input shape to have value 4" in text


def test_fit_with_a_wrong_label(model):
    text = printed(lambda: model.fit(np.ones([2, 4]), np.array([0, 7]), verbose=0))
    assert "errors" in text and "InvalidArgumentError" in text and "[0, 3)" in text


def test_optimizers(model):
    text = printed(lambda: model.optimizer.apply_gradients([(None, model.weights[0])]))
    assert "No gradients provided" in text


def test_a_layers_own_call_stays():
    class Scale(tf.keras.layers.Layer):
        def call(self, x):
            return x * tf.constant(2)

    assert "return x * tf.constant(2)" in printed(lambda: Scale()(tf.ones([2, 3])))


def test_keras_shows_its_frames_when_its_filter_is_off(model):
    tf.keras.config.disable_traceback_filtering()
    try:
        with pytest.raises(ValueError) as caught:
            model(tf.ones([2, 5]))
    finally:
        tf.keras.config.enable_traceback_filtering()
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert any("input_spec.py" in file for file in files)
