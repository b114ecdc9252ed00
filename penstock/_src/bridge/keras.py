"""tf.keras: Keras 3 itself, on its TensorFlow backend, through the stand-in.

TF_USE_LEGACY_KERAS=1 in the environment makes it Keras 2 (the package tf_keras), as in TensorFlow.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import Any

from penstock._src.util.process.installing import pip_install

from . import tensorflow_alias
from .tensorflow_alias import asks_for_keras_2, keras_module


def load() -> types.ModuleType:
    """Imports Keras on top of Penstock and returns it.

    Raises:
      ImportError: Keras is not installed.
      RuntimeError: Keras was already imported with another backend.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    tensorflow_alias.install()
    if asks_for_keras_2():
        return _load_keras_2(keras_module())
    try:
        keras = importlib.import_module("keras")
    except ModuleNotFoundError as error:
        if error.name != "keras":
            raise
        raise ImportError(
            f"tf.keras is Keras 3, which is not installed: {pip_install('keras')}"
        ) from error
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"tf.keras needs Keras on its TensorFlow backend. Keras was imported with {backend!r}: "
            "set KERAS_BACKEND=tensorflow, or import penstock first."
        )
    return importlib.import_module(keras_module())


def load_v1(part: str = "") -> types.ModuleType:
    """Imports what Keras 2 has for programs of TensorFlow 1: `tf.compat.v1.keras`, or a module below it.

    Raises:
      ImportError: Keras 2 is not installed.
    """
    tensorflow_alias.install()
    return _load_keras_2(tensorflow_alias.LEGACY_KERAS.format("v1") + part)


def _load_keras_2(module: str) -> types.ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "tf_keras":
            raise
        raise ImportError(
            "TF_USE_LEGACY_KERAS=1 makes tf.keras Keras 2, which is not installed. Install it with "
            "`pip install --no-deps tf-keras`."
        ) from error


def attribute(name: str) -> object:
    """Returns `tf.keras.<name>`."""
    keras = load()
    try:
        return getattr(keras, name)
    except AttributeError:
        if name.startswith("__"):
            raise
        place = f"{keras_module()}.{name}"
        if importlib.util.find_spec(place) is None:
            raise
        return importlib.import_module(place)


def find_spec(fullname: str) -> importlib.machinery.ModuleSpec | None:
    """Returns the spec of `penstock.keras.<path>`: Keras's own module, as `tensorflow.keras.<path>` is."""
    load()
    return tensorflow_alias.FINDER.find_spec(fullname)


def load_keras_model(path: str, runs_code: bool = False, custom_objects: Any = None) -> Any:
    """Returns the model of a `.keras` or `.h5` file, not compiled for training.

    Args:
      path: of the file.
      runs_code: whether Python code in the file may run.
      custom_objects: classes and functions by the names that the file has.
    """
    return load().models.load_model(
        path, custom_objects=custom_objects, compile=False, safe_mode=not runs_code
    )


def load_keras() -> types.ModuleType:
    """Imports Keras on top of Penstock and returns it, for lower layers; see `load`."""
    return load()
