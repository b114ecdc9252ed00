"""One sample without its batch dimension: the error says so, and what to pass."""

import keras
import numpy as np
import pytest

CALLS = {
    "fit": lambda model, x: model.fit(x, np.array([1]), verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, np.array([1]), verbose=0),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "call": lambda model, x: model(x),
    "train_on_batch": lambda model, x: model.train_on_batch(x, np.array([1])),
}


@pytest.mark.parametrize("call", CALLS)
def test_one_sample(call, network):
    model = network()
    with pytest.raises(ValueError) as caught:
        CALLS[call](model, np.zeros(4, "float32"))
    (note,) = caught.value.__notes__
    assert "one sample without its batch dimension" in note
    assert "x[None, ...]" in note and "(None, 4)" in note
    model.predict(np.zeros((1, 4), "float32"), verbose=0)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((28, 28, 1), "without its batch dimension"),
        ((28, 28), "x[None, ..., None]"),
    ],
)
def test_images_without_an_axis_are_explained(shape, says):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(10)]
    )
    with pytest.raises(ValueError) as caught:
        model.predict(np.zeros(shape, "float32"), verbose=0)
    (note,) = caught.value.__notes__
    assert says in note


def test_a_model_that_is_not_built(network):
    model = keras.Sequential([keras.layers.Dense(3)])
    with pytest.raises(ValueError) as caught:
        model(np.zeros(4, "float32"))
    (note,) = caught.value.__notes__
    assert "x[None, :]" in note


def test_other_errors_are_left_alone(network):
    with pytest.raises(ValueError) as caught:
        network().predict(np.zeros((2, 5), "float32"), verbose=0)
    assert not getattr(caught.value, "__notes__", [])
