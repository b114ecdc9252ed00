"""Scopes that select how functions and ops execute; they have no effect."""

import contextlib
import os

from penstock._src.core.errors import NotFoundError, UnimplementedError
from penstock._src.util.export import export

# TensorFlow's executor names.
EXECUTORS = ("", "DEFAULT", "SINGLE_THREADED_EXECUTOR")


@export("experimental.async_scope")
@contextlib.contextmanager
def async_scope():
    """A scope that allows asynchronous ops; ops are always synchronous, so errors are raised at once.

    Returns:
      A context manager.
    """
    yield


@export("experimental.function_executor_type")
@contextlib.contextmanager
def function_executor_type(executor_type):
    """A scope that selects an executor type; there is only one.

    Args:
      executor_type: a name that TensorFlow knows, or None.

    Returns:
      A context manager.

    Raises:
      NotFoundError: TensorFlow knows no such type.
    """
    if executor_type is not None and executor_type not in EXECUTORS:
        raise NotFoundError(
            None, None, f"Unknown executor type {executor_type!r}; expected one of {EXECUTORS}."
        )
    yield


@export("experimental.register_filesystem_plugin")
def register_filesystem_plugin(plugin_location):
    """Loads a plugin of TensorFlow's C interface for file systems.

    Args:
      plugin_location: the path of a shared library.

    Raises:
      FileNotFoundError: there is no such file.
      UnimplementedError: otherwise; URLs are opened through fsspec.
    """
    if not os.path.exists(plugin_location):
        raise FileNotFoundError(
            2, "The file to load file system plugin from does not exist.", plugin_location
        )
    raise UnimplementedError(
        "tf.experimental.register_filesystem_plugin: plugins are not implemented; URLs are opened "
        "through fsspec, where other file systems can be registered."
    )
