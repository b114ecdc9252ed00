"""`tensorflow.python.training.training_util`: the step counter and reads of it."""

from typing import Any

from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.global_step import (
    GLOBAL_STEP_READ_KEY,
    get_global_step,
)
from penstock._src.v1.variables.global_step import (
    get_or_create_global_step_read as _get_or_create_global_step_read,
)
from penstock._src.v1.variables.global_step import global_step_read as _get_global_step_read

__all__ = [
    "GLOBAL_STEP_READ_KEY",
    "_get_global_step_read",
    "_get_or_create_global_step_read",
    "_increment_global_step",
]


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
