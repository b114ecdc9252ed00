"""Names of nodes in functions of a GraphDef."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def rename_nodes(function: Any, names: Mapping[str, str]) -> None:
    """Renames nodes of a function, and all references to them.

    Args:
      function: a FunctionDef, which is changed.
      names: new names by the present ones.
    """
    for node in function.node_def:
        node.name = names.get(node.name, node.name)
        node.input[:] = [_renamed(text, names) for text in node.input]
    for key, text in function.ret.items():
        function.ret[key] = _renamed(text, names)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Returns an input (`node`, `node:output:0`, `^node`) with the new name of the node."""
    mark = "^" if text.startswith("^") else ""
    first, colon, rest = text.removeprefix("^").partition(":")
    return f"{mark}{names.get(first, first)}{colon}{rest}"
