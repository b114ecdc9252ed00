"""Messages with a graph and the data needed to run it."""

from typing import Any

from penstock._src.api.config.build import GIT_VERSION
from penstock._src.graph.serialize.op_definitions import used_ops
from penstock._src.proto.saved import MetaGraphDef
from penstock._src.version import VERSION


def create_meta_graph_def(meta_info_def: Any = None, graph_def: Any = None) -> Any:
    """Returns the MetaGraphDef of a GraphDef: with the definitions of its ops, and the version.

    Args:
      meta_info_def: further facts to include.
      graph_def: the graph.
    """
    meta_graph = MetaGraphDef()
    info = meta_graph.meta_info_def
    if meta_info_def is not None:
        info.CopyFrom(meta_info_def)
    info.tensorflow_version, info.tensorflow_git_version = VERSION, GIT_VERSION
    if graph_def is None:
        return meta_graph
    meta_graph.graph_def.CopyFrom(graph_def)
    if not info.HasField("stripped_op_list"):
        info.stripped_op_list.op.extend(used_ops(graph_def))
    return meta_graph
