"""State of the mixed precision graph rewrite: has a program enabled it, and were sessions created before that?"""

from penstock._src.util.export import export


class State:
    """Requests made in this process."""

    rewrite_enabled = False
    other_session_created = False
    using_policy = False


@export("__internal__.train.is_mixed_precision_graph_rewrite_enabled", v1=[])
def is_mixed_precision_graph_rewrite_enabled() -> bool:
    """Returns whether the rewrite was enabled. Graphs stay in float32 even then.

    Returns:
      A bool.
    """
    return State.rewrite_enabled


def set_mixed_precision_graph_rewrite_enabled(enabled: bool) -> None:
    """Records whether the rewrite is enabled."""
    State.rewrite_enabled = enabled


def non_mixed_precision_session_created() -> bool:
    """Returns whether a session was made while the rewrite was not enabled."""
    return State.other_session_created


def set_non_mixed_precision_session_created(created: bool) -> None:
    """Records whether a session was made while the rewrite was not enabled."""
    State.other_session_created = created


@export("__internal__.train.set_using_mixed_precision_policy", v1=[])
def set_using_mixed_precision_policy(is_using: bool) -> None:
    """Records whether Keras's global policy uses mixed precision.

    Args:
      is_using: a bool.
    """
    State.using_policy = is_using


def is_using_mixed_precision_policy() -> bool:
    """Returns whether Keras's global policy uses mixed precision."""
    return State.using_policy
