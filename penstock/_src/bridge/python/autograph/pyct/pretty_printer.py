"""Syntax trees as text: `tensorflow.python.autograph.pyct.pretty_printer`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from penstock._src.bridge.python.autograph.pyct import anno


def fmt(node: Any, color: bool = True, noanno: bool = False) -> str:
    """Returns a tree as indented lines.

    Args:
      node: the tree.
      color: accepted; the text is plain.
      noanno: whether annotations are left out.
    """
    del color
    return "\n".join(_lines(node, "", 0, noanno))


def _lines(value: Any, name: str, depth: int, noanno: bool) -> Iterator[str]:
    start = "| " * depth + (f"{name}=" if name else "")
    if isinstance(value, ast.AST):
        yield f"{start}{type(value).__name__}:"
        if not noanno:
            for key in sorted(anno.keys(value), key=str):
                yield "| " * (depth + 1) + f"@{key}: {anno.getanno(value, key)!r}"
        for field in value._fields:
            yield from _lines(getattr(value, field, None), field, depth + 1, noanno)
    elif isinstance(value, list | tuple) and value:
        yield f"{start}["
        for part in value:
            yield from _lines(part, "", depth + 1, noanno)
        yield "| " * depth + "]"
    else:
        yield f"{start}{value!r}"
