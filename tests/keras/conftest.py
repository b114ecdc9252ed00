"""Keras on Penstock."""

import sys

import numpy as np
import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)


@pytest.fixture(autouse=True)
def fresh_keras():
    """Seeds, policy and state of Keras, as in a new process."""
    # Without collecting garbage, which takes seconds late in a long run.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def random():
    return np.random.default_rng(1)


assert sys.modules["tensorflow"] is penstock
