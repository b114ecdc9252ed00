"""Graphs as files."""

import os

from google.protobuf import text_format

from penstock._src.api.io.gfile import GFile, makedirs
from penstock._src.graph.graph import Graph
from penstock._src.util.export import export


@export("io.write_graph", v1=["io.write_graph", "train.write_graph"])
def write_graph(graph_or_graph_def, logdir, name, as_text=True):
    """Writes a graph to a file and returns its path.

    Args:
      graph_or_graph_def: a Graph or GraphDef.
      logdir: the folder, created if necessary.
      name: of the file.
      as_text: whether to write the message as text.

    Returns:
      The path, a str.
    """
    graph = graph_or_graph_def
    message = graph.as_graph_def() if isinstance(graph, Graph) else graph
    makedirs(logdir)
    path = os.path.join(logdir, name)
    with GFile(path, "w" if as_text else "wb") as file:
        file.write(
            text_format.MessageToString(message)
            if as_text
            else message.SerializeToString(deterministic=True)
        )
    return path
