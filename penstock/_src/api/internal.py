"""tf.__internal__: names that Keras and related packages use besides the public API."""

import numpy as np

from penstock._src.api.control import conditionals
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

export("__internal__.FuncGraph", v1=[])(FuncGraph)
export("__internal__.SymbolicTensor", v1=[])(SymbolicTensor)


def smart_constant_value(pred):
    """The Python bool of a number, bool or constant tensor; None if it is not static.

    Raises:
      TypeError: `pred` is something else.
    """
    if isinstance(pred, (bool, np.bool_)):
        return bool(pred)
    if isinstance(pred, (int, np.integer)) and pred in (0, 1):
        return bool(pred)
    if isinstance(pred, Tensor):
        value = get_static_value(pred)
        return None if value is None else bool(value)
    if isinstance(pred, Variable):
        return None
    raise TypeError(
        "Argument `pred` must be a Tensor, or a Python bool, or 1 or 0. Received: "
        f"pred={pred} of type {type(pred).__name__}"
    )


@export("__internal__.smart_cond.smart_cond", v1=[])
def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` or `false_fn()`, selected statically if possible, else by `tf.cond`.

    Args:
      pred: a bool scalar, or a Python value.
      true_fn, false_fn: functions without arguments.
      name: of the operation.

    Returns:
      What the function returns.

    Raises:
      TypeError: a function is not callable.
    """
    if not callable(true_fn):
        raise TypeError(f"Argument `true_fn` must be callable. Received {true_fn}")
    if not callable(false_fn):
        raise TypeError(f"Argument `false_fn` must be callable. Received {false_fn}")
    known = smart_constant_value(pred)
    if known is not None:
        return true_fn() if known else false_fn()
    return conditionals.cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)


_behavior_is_v2 = True


@export("__internal__.tf2.enabled", v1=[])
def tf2_enabled():
    """True unless `tf.compat.v1.disable_v2_behavior` was called.

    Returns:
      A bool.
    """
    return _behavior_is_v2


def enable():
    """Records that TensorFlow 2's behavior is on."""
    global _behavior_is_v2
    _behavior_is_v2 = True


def disable():
    """Records that TensorFlow 2's behavior is off."""
    global _behavior_is_v2
    _behavior_is_v2 = False


@export("__internal__.is_tfrt_enabled", v1=[])
def is_tfrt_enabled():
    """True if TFRT is in use, TensorFlow's other runtime. Penstock does not have it.

    Returns:
      False.
    """
    return False
