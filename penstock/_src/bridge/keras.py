"""tf.keras: Keras 3 itself, on its TensorFlow backend, through the stand-in."""

from __future__ import annotations

import importlib
import os
import sys
import types

from . import tensorflow_alias


def load() -> types.ModuleType:
    """Imports Keras on top of Penstock and returns it.

    Raises:
      ImportError: Keras is not installed.
      RuntimeError: Keras was already imported with another backend.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    tensorflow_alias.install()
    try:
        keras = importlib.import_module("keras")
    except ModuleNotFoundError as error:
        if error.name != "keras":
            raise
        raise ImportError(
            "tf.keras is Keras 3, which is not installed. Install it with `pip install keras`."
        ) from error
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"tf.keras needs Keras on its TensorFlow backend. Keras was imported with {backend!r}: "
            "set KERAS_BACKEND=tensorflow, or import penstock first."
        )
    return keras


def attribute(name: str) -> object:
    """Returns `keras.<name>`."""
    keras = load()
    try:
        return getattr(keras, name)
    except AttributeError:
        if name.startswith("__"):
            raise
        return importlib.import_module(f"keras.{name}")
