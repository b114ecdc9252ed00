"""tf.data.experimental.enable_debug_mode: functions of datasets run as Python, one call after another."""

from penstock._src.core.dispatch import executing_eagerly
from penstock._src.util.export import export


class _DebugMode:
    """The state: False until a program enables the mode."""

    is_enabled = False


DEBUG_MODE = _DebugMode()


@export("data.experimental.enable_debug_mode")
def enable_debug_mode() -> None:
    """Runs the functions of datasets defined later as Python, eagerly, for debuggers and prints.

    A function is still traced once, which tells the types of its results. Then it gets eager tensors for each element, in the thread that iterates, in
    the order of the elements: `num_parallel_calls`, `deterministic` and `prefetch` have no effect.

    Raises:
      ValueError: a graph is being built.
    """
    if not executing_eagerly():
        raise ValueError("`enable_debug_mode() is only supported in eager mode.")
    toggle_debug_mode(True)


def toggle_debug_mode(debug_mode: bool) -> None:
    """Enables or disables the mode for datasets that are defined from now on.

    Args:
      debug_mode: True: functions run as Python.
    """
    DEBUG_MODE.is_enabled = debug_mode


def parallel_calls(num_parallel_calls: object) -> object:
    """Returns the number of calls at the same time; None in debug mode: one after another."""
    return None if DEBUG_MODE.is_enabled else num_parallel_calls
