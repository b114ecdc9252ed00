"""`tensorflow.python.trackable.base`: the attribute that holds the value of a variable, and how tracking is turned off."""

import contextlib
from collections.abc import Iterator
from typing import Any

VARIABLE_VALUE_KEY = "VARIABLE_VALUE"
OBJECT_CONFIG_JSON_KEY = "OBJECT_CONFIG_JSON"


@contextlib.contextmanager
def no_automatic_dependency_tracking_scope(obj: Any) -> Iterator[None]:
    """Within the context, objects assigned to attributes of `obj` do not become its dependencies.

    Args:
      obj: a trackable object, such as a `tf.Module` or a Keras 2 model.

    Example:
      >>> import penstock as tf
      >>> from penstock._src.bridge.python.trackable.base import no_automatic_dependency_tracking_scope
      >>> module = tf.train.Checkpoint()
      >>> with no_automatic_dependency_tracking_scope(module):
      ...     module.weights = [tf.Variable(1.0)]
      >>> type(module.weights)
      <class 'list'>
    """
    before = getattr(obj, "_setattr_tracking", True)
    obj._setattr_tracking = False
    try:
        yield
    finally:
        obj._setattr_tracking = before
