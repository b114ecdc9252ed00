"""`tensorflow.python.eager.graph_only_ops`: operations that are added to the default graph, even eagerly."""

from typing import Any

from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import find
from penstock._src.core.shapes import as_shape
from penstock._src.v1.graphs.default_graph import get_default_graph


def graph_placeholder(dtype: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a placeholder in the default graph."""
    attrs = {"dtype": as_dtype(dtype).base_dtype, "shape": as_shape(shape)}
    return get_default_graph().execute(find("Placeholder"), (), attrs, name)
