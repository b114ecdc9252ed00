"""The variable that counts training steps, of tf.compat.v1.train."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.graph import Graph
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.collections import GraphKeys, VariableV1
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import get_variable

NAME = "global_step"


@export(v1=["train.get_global_step"])
def get_global_step(graph: Graph | None = None) -> Any:
    """Returns the step counter of a graph, or None.

    Raises:
      TypeError: the step counter is not an integer scalar.
    """
    graph = graph or get_default_graph()
    marked = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(marked) > 1:
        return None
    if marked:
        counter = marked[0]
    else:
        try:
            counter = graph.get_tensor_by_name(f"{NAME}:0")
        except KeyError:
            return None
    assert_global_step(counter)
    return counter


@export(v1=["train.create_global_step"])
def create_global_step(graph: Graph | None = None) -> Any:
    """Creates the step counter of a graph, an eager variable outside of graphs.

    Raises:
      ValueError: the graph already has one.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    if STATE.graph is None:
        counter = get_variable(NAME, [], dtypes.int64, Zeros(), trainable=False)
        graph.add_to_collection(GraphKeys.GLOBAL_STEP, counter)
        return counter
    with graph.as_default(), graph.name_scope(None):
        return VariableV1(
            lambda: convert_to_tensor(0, dtype=dtypes.int64, name="zeros"),
            trainable=False,
            name=NAME,
            dtype=dtypes.int64,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


@export(v1=["train.get_or_create_global_step"])
def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """Returns the step counter of a graph, which is created if there is none."""
    graph = graph or get_default_graph()
    counter = get_global_step(graph)
    return create_global_step(graph) if counter is None else counter


@export(v1=["train.global_step"])
def global_step(sess: Any, global_step_tensor: Any) -> int:
    """Returns the value of a step counter in a session, or of a variable that belongs to no graph."""
    if isinstance(getattr(global_step_tensor, "handle", global_step_tensor), EagerTensor):
        return int(global_step_tensor.numpy())
    return int(sess.run(global_step_tensor))


@export(v1=["train.assert_global_step"])
def assert_global_step(global_step_tensor: Any) -> None:
    """Raises TypeError unless the tensor can be a step counter: an integer scalar."""
    if not hasattr(global_step_tensor, "dtype") or not hasattr(global_step_tensor, "shape"):
        raise TypeError(
            f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.'
        )
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(
            f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}'
        )
    if global_step_tensor.shape.rank not in (None, 0):
        raise TypeError(f'Existing "global_step" is not scalar: {global_step_tensor.shape}')


GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


def global_step_read(graph: Any = None) -> Any:
    """Returns the read of the step counter that the graph keeps, or None."""
    reads = (graph or get_default_graph()).get_collection(GLOBAL_STEP_READ_KEY)
    if len(reads) > 1:
        raise RuntimeError(
            f"There are multiple items in collection {GLOBAL_STEP_READ_KEY}. There should be only one."
        )
    return reads[0] if reads else None


def get_or_create_global_step_read(graph: Any = None) -> Any:
    """Returns the read of the step counter, which is made and kept by the graph if there is none; None without a counter."""
    graph = graph or get_default_graph()
    kept = global_step_read(graph)
    counter = get_global_step(graph)
    if kept is not None or counter is None:
        return kept
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{counter.op.name}/"):
        value = counter if isinstance(counter, Tensor) else counter.initialized_value()
        read = convert_to_tensor(value) + 0
        graph.add_to_collection(GLOBAL_STEP_READ_KEY, read)
    return read
