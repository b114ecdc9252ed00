"""The global default graph, and switching eager execution on and off."""

import contextlib
import sys
from typing import Any

from penstock._src.api import internal
from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension, TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import Global
from penstock._src.graph.graph import Graph
from penstock._src.graph.trace import ResultNames
from penstock._src.util.export import export


@export(v1=["get_default_graph"])
def get_default_graph() -> Graph:
    """Returns the innermost current graph, or the global one."""
    if STATE.graph is not None:
        return STATE.graph
    if STATE.default_graphs:
        return STATE.default_graphs[-1]
    return global_graph()


def global_graph() -> Graph:
    """Returns the graph that is the default outside of `as_default()` blocks."""
    if Global.graph is None:
        Global.graph = Graph()
    return Global.graph


@export(v1=["reset_default_graph"])
def reset_default_graph() -> None:
    """Replaces the global graph by a new one.

    Raises:
      AssertionError: within a `with graph.as_default()` block.
    """
    if STATE.default_graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
            "exit the nesting and create a new graph."
        )
    was_current = STATE.graph is not None and STATE.graph is Global.graph
    Global.graph = Graph()
    if was_current:
        STATE.graph = Global.graph


def graph_mode() -> contextlib.AbstractContextManager[Graph]:
    """A context in which ops are added to the default graph."""
    return dispatch.building(get_default_graph())


def forget_default_graphs() -> None:
    """Replaces the global graph, also within `with graph.as_default()` blocks, which end here.

    A test that failed in such a block may have left it open.
    """
    STATE.default_graphs.clear()
    Global.graph = Graph()
    if STATE.graph is not None:
        STATE.graph = Global.graph


@export(v1=["disable_eager_execution"])
def disable_eager_execution() -> None:
    """Makes ops add to the global graph from now on, as in TensorFlow 1."""
    if STATE.graph is None:
        STATE.graph = get_default_graph()


@export(v1=["enable_eager_execution"])
def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """Makes ops run eagerly from now on."""
    if STATE.graph is not None and STATE.graph is Global.graph:
        STATE.graph = None


@export(v1=["disable_v2_behavior"])
def disable_v2_behavior() -> None:
    """Switches to TensorFlow 1's behavior: graphs, sessions, `Dimension`s, equality of tensors by identity."""
    internal.disable()
    disable_eager_execution()
    disable_resource_variables()
    disable_v2_tensorshape()
    disable_tensor_equality()


@export(v1=["enable_v2_behavior"])
def enable_v2_behavior() -> None:
    """Switches to TensorFlow 2's behavior."""
    internal.enable()
    enable_eager_execution()
    enable_resource_variables()
    enable_v2_tensorshape()
    enable_tensor_equality()


@export(v1=["enable_tensor_equality"])
def enable_tensor_equality() -> None:
    """Makes == compare tensors elementwise, as in TensorFlow 2."""
    Tensor._USE_EQUALITY = True


@export(v1=["disable_tensor_equality"])
def disable_tensor_equality() -> None:
    """Makes == compare tensors by identity, as in TensorFlow 1, which also makes them hashable."""
    Tensor._USE_EQUALITY = False


_PLAIN_ITEM, _PLAIN_ITERATION = TensorShape.__getitem__, TensorShape.__iter__
_PLAIN_TEXT = TensorShape.__str__


def _is_own_code() -> bool:
    """True if the caller's caller is Penstock's own code, which expects dimensions to be numbers."""
    return sys._getframe(2).f_globals.get("__name__", "").startswith("penstock._src")


def _item_as_dimension(self: TensorShape, key: Any) -> Any:
    item = _PLAIN_ITEM(self, key)
    return item if isinstance(key, slice) or _is_own_code() else Dimension(item)


def _dimensions(self: TensorShape) -> Any:
    sizes = _PLAIN_ITERATION(self)
    return sizes if _is_own_code() else map(Dimension, sizes)


def _text_of_dimensions(self: TensorShape) -> str:
    return _PLAIN_TEXT(self).replace("None", "?")


@export(v1=["disable_v2_tensorshape"])
def disable_v2_tensorshape() -> None:
    """Makes indexing of and iteration over shapes return `Dimension`s, as in TensorFlow 1."""
    TensorShape._v2_behavior = False
    TensorShape.__str__ = _text_of_dimensions  # type: ignore[method-assign]
    TensorShape.__getitem__ = _item_as_dimension  # type: ignore[method-assign]
    TensorShape.__iter__ = _dimensions  # type: ignore[method-assign]


@export(v1=["enable_v2_tensorshape"])
def enable_v2_tensorshape() -> None:
    """Makes indexing of and iteration over shapes return numbers and None, as in TensorFlow 2."""
    TensorShape._v2_behavior = True
    TensorShape.__str__ = _PLAIN_TEXT  # type: ignore[method-assign]
    TensorShape.__getitem__ = _PLAIN_ITEM  # type: ignore[method-assign]
    TensorShape.__iter__ = _PLAIN_ITERATION  # type: ignore[method-assign]


_ASKED: dict[str, bool | None] = {"all intermediates": None}


@export(v1=["experimental.output_all_intermediates"])
def output_all_intermediates(state: bool | None) -> None:
    """Records the choice without an effect: loops and branches always output the intermediates that their gradients need."""
    _ASKED["all intermediates"] = state


def are_all_intermediates_asked_for() -> bool | None:
    """Returns the last argument of `output_all_intermediates`."""
    return _ASKED["all intermediates"]


@export(v1=["enable_control_flow_v2"])
def enable_control_flow_v2() -> None:
    """Gives results of conditions and loops the names that they have in TensorFlow 2."""
    ResultNames.are_classic = False


@export(v1=["disable_control_flow_v2"])
def disable_control_flow_v2() -> None:
    """Gives results of conditions, loops and arrays the names of TensorFlow 1's nodes; control flow stays functional."""
    ResultNames.are_classic = True


@export(v1=["control_flow_v2_enabled"])
def control_flow_v2_enabled() -> bool:
    """True: control flow is always functional."""
    return True


class _Defaults:
    resource_variables = True


@export(v1=["enable_resource_variables"])
def enable_resource_variables() -> None:
    """Makes variables resource variables for those who look: fetching one's handle by name gives the handle."""
    _Defaults.resource_variables = True


@export(v1=["disable_resource_variables"])
def disable_resource_variables() -> None:
    """Makes reference variables of TensorFlow 1 the default: a session that fetches `name:0` gets the value.

    They are resource variables all the same.
    """
    _Defaults.resource_variables = False


@export(v1=["resource_variables_enabled"])
def resource_variables_enabled() -> bool:
    """True if variables are resource variables by default, not reference variables."""
    return _Defaults.resource_variables


@export(v1=["placeholder"])
def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Returns a tensor with a value that is fed when a session runs.

    Raises:
      RuntimeError: called in eager execution.
    """
    if STATE.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return raw.Placeholder(dtype=dtype, shape=as_shape(shape), name=name)


@export(v1=["placeholder_with_default"])
def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a tensor with the value of `input` unless another value is fed."""
    return raw.PlaceholderWithDefault(input=input, shape=as_shape(shape), name=name)
