"""Some pitfalls are Keras'."""

import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)


@pytest.fixture
def network():
    """Makes a compiled network of four numbers to three classes."""

    def make(optimizer="adam", loss=None):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss)
        return model

    return make
