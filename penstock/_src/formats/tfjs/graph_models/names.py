"""Names of nodes in functions of a GraphDef."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock._src.formats.graph_def.writing import renamed


def rename_nodes(function: Any, names: Mapping[str, str]) -> None:
    """Renames nodes of a function, and all references to them.

    Args:
      function: a FunctionDef, which is changed.
      names: new names by the present ones.
    """
    for node in function.node_def:
        node.name = names.get(node.name, node.name)
        node.input[:] = [renamed(text, names) for text in node.input]
    for key, text in function.ret.items():
        function.ret[key] = renamed(text, names)
