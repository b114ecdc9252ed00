"""`tensorflow.python.training.training_util`: the step counter and reads of it."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.global_step import get_global_step

GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


def _get_global_step_read(graph: Any = None) -> Any:
    """Returns the read of the step counter that the graph keeps, or None."""
    found = (graph or get_default_graph()).get_collection(GLOBAL_STEP_READ_KEY)
    if len(found) > 1:
        raise RuntimeError(
            f"There are multiple items in collection {GLOBAL_STEP_READ_KEY}. There should be only one."
        )
    return found[0] if found else None


def _get_or_create_global_step_read(graph: Any = None) -> Any:
    """Returns the read of the step counter, which is made and kept by the graph if there is none; None without a counter."""
    graph = graph or get_default_graph()
    kept = _get_global_step_read(graph)
    counter = get_global_step(graph)
    if kept is not None or counter is None:
        return kept
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{counter.op.name}/"):
        value = counter if isinstance(counter, Tensor) else counter.initialized_value()
        read = convert_to_tensor(value) + 0
        graph.add_to_collection(GLOBAL_STEP_READ_KEY, read)
    return read


def _increment_global_step(increment: int, graph: Any = None) -> Any:
    """Adds to the step counter, after it was read.

    Raises:
      ValueError: there is no step counter.
    """
    graph = graph or get_default_graph()
    counter = get_global_step(graph)
    if counter is None:
        raise ValueError(
            "Global step tensor should be created by tf.train.get_or_create_global_step before calling increment."
        )
    read = _get_or_create_global_step_read(graph)
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{counter.op.name}/"):
        with graph.control_dependencies([read]):
            return counter.assign_add(increment)
