"""Variables of TensorFlow 1."""

from typing import Any

from penstock._src.eager.variable import VariableMetaclass
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.partitioned import PartitionedVariable


def _all_saveable_objects(scope: str | None = None) -> list[Any]:
    """Returns the global variables and the other objects that savers save by default."""
    graph = get_default_graph()
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope) + graph.get_collection(
        GraphKeys.SAVEABLE_OBJECTS, scope
    )
