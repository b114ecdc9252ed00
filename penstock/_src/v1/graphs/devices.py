"""Devices, colocation and containers of TensorFlow 1."""

import contextlib

from penstock._src.api.config import devices
from penstock._src.core.dispatch import STATE
from penstock._src.eager.variable_modes import VariableAggregation
from penstock._src.util.export import export

export(v1=["VariableAggregation"])(VariableAggregation)


@export(v1=["device"])
@contextlib.contextmanager
def device(device_name_or_function):
    """A context in which ops run on the named device, or on the device that a function of the operation returns.

    Raises:
      RuntimeError: a function is given in eager code.
    """
    is_function = callable(device_name_or_function)
    if is_function and STATE.graph is None:
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    chosen = STATE.graph.device if is_function else devices.device
    with chosen(device_name_or_function):
        yield


@export(v1=["colocate_with"])
@contextlib.contextmanager
def colocate_with(op, ignore_existing=False):
    """A context that places its operations on the device of `op`. In eager code it has no effect.

    Args:
      op: an operation, tensor or variable; None for none, with `ignore_existing`.
      ignore_existing: whether enclosing contexts of this kind have no effect.

    Raises:
      ValueError: in a graph, `op` is None and enclosing contexts have effect.
    """
    if STATE.graph is None:
        yield
    else:
        with STATE.graph.colocate_with(op, ignore_existing):
            yield


@export(v1=["container"])
@contextlib.contextmanager
def container(container_name):
    """A context that puts its resources into a container. They live as long as their graph."""
    if STATE.graph is None:
        yield container_name
    else:
        with STATE.graph.container(container_name):
            yield container_name
