"""Scopes of how functions and ops execute. Penstock executes them in one way."""

import contextlib
import os

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.export import export

# The executors that TensorFlow has names for.
EXECUTORS = ("", "DEFAULT", "SINGLE_THREADED_EXECUTOR")


@export("experimental.async_scope")
@contextlib.contextmanager
def async_scope():
    """A scope in which ops may return before they are done; here none does, so errors rise at once."""
    yield


@export("experimental.function_executor_type")
@contextlib.contextmanager
def function_executor_type(executor_type):
    """A scope in which functions run on an executor of that type: programs have but one."""
    if executor_type is not None and executor_type not in EXECUTORS:
        raise ValueError(f"Unknown executor type '{executor_type}'; expected one of {EXECUTORS}.")
    yield


@export("experimental.register_filesystem_plugin")
def register_filesystem_plugin(plugin_location):
    """Loads a plugin of TensorFlow's C interface for file systems.

    Raises:
      FileNotFoundError: there is no such file.
      UnimplementedError: always else; URLs are opened through fsspec.
    """
    if not os.path.exists(plugin_location):
        raise FileNotFoundError(
            2, "The file to load file system plugin from does not exist.", plugin_location
        )
    raise UnimplementedError(
        "tf.experimental.register_filesystem_plugin: plugins are not implemented; URLs are opened "
        "through fsspec, where other file systems can be registered."
    )
