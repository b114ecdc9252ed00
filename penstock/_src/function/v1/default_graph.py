"""The graph that TensorFlow 1's functions add to when none is entered, and switching eager execution off."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.graph.graph import Graph
from penstock._src.util.export import export


class _Global:
    graph: Graph | None = None


@export(v1=["get_default_graph"])
def get_default_graph() -> Graph:
    """Returns the graph that is entered innermost, or the global one."""
    if STATE.graph is not None:
        return STATE.graph
    if STATE.default_graphs:
        return STATE.default_graphs[-1]
    return global_graph()


def global_graph() -> Graph:
    """Returns the graph that is there when none is entered."""
    if _Global.graph is None:
        _Global.graph = Graph()
    return _Global.graph


@export(v1=["reset_default_graph"])
def reset_default_graph() -> None:
    """Makes a new global graph.

    Raises:
      AssertionError: within a `with graph.as_default()` block.
    """
    if STATE.default_graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
            "exit the nesting and create a new graph."
        )
    was_current = STATE.graph is not None and STATE.graph is _Global.graph
    _Global.graph = Graph()
    if was_current:
        STATE.graph = _Global.graph


@export(v1=["disable_eager_execution"])
def disable_eager_execution() -> None:
    """Makes ops go into the global graph from now on, as in TensorFlow 1."""
    if STATE.graph is None:
        STATE.graph = get_default_graph()


@export(v1=["enable_eager_execution"])
def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """Makes ops run at once from now on."""
    if STATE.graph is not None and STATE.graph is _Global.graph:
        STATE.graph = None


@export(v1=["disable_v2_behavior"])
def disable_v2_behavior() -> None:
    """Switches to TensorFlow 1's behaviour as far as there is one: graphs and sessions."""
    disable_eager_execution()


@export(v1=["enable_v2_behavior"])
def enable_v2_behavior() -> None:
    """Switches to TensorFlow 2's behaviour."""
    enable_eager_execution()


@export(v1=["disable_control_flow_v2", "enable_control_flow_v2"])
def enable_control_flow_v2() -> None:
    """Accepted: control flow is always functional."""


@export(v1=["control_flow_v2_enabled"])
def control_flow_v2_enabled() -> bool:
    """True: control flow is always functional."""
    return True


@export(v1=["enable_resource_variables", "disable_resource_variables"])
def enable_resource_variables() -> None:
    """Accepted: variables are always resources."""


@export(v1=["resource_variables_enabled"])
def resource_variables_enabled() -> bool:
    """True: variables are always resources."""
    return True


@export(v1=["placeholder"])
def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Returns a tensor whose value is fed when a session runs.

    Raises:
      RuntimeError: called in eager execution.
    """
    if STATE.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return raw.Placeholder(dtype=dtype, shape=as_shape(shape), name=name)


@export(v1=["placeholder_with_default"])
def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a tensor that has the value of `input` unless another is fed."""
    return raw.PlaceholderWithDefault(
        input=convert_to_tensor(input), shape=as_shape(shape), name=name
    )
