"""Helpers for syntax trees: `tensorflow.python.autograph.pyct.ast_util`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, parser


def copy_clean(node: Any, preserve_annos: Iterable[Any] | None = None) -> Any:
    """Returns a copy of a tree, or of a list or tuple of trees, with the requested annotations."""
    if isinstance(node, list | tuple):
        return type(node)(copy_clean(part, preserve_annos) for part in node)
    if not isinstance(node, gast.AST | ast.AST):
        return node
    copy = type(node)(
        **{
            name: copy_clean(getattr(node, name), preserve_annos)
            for name in node._fields
            if hasattr(node, name)
        }
    )
    for key in preserve_annos or ():
        anno.copyanno(node, copy, key)
    return copy


class _Renamer(gast.NodeTransformer):
    def __init__(self, name_map: Mapping[Any, Any]) -> None:
        self.names = {str(old): new for old, new in name_map.items()}
        self.qualified = dict(name_map)

    def _expression(self, node: Any) -> Any:
        qualified = self.qualified.get(anno.getanno(node, anno.Basic.QN, None))
        if qualified is None:
            return self.generic_visit(node)
        expression = qualified.ast()
        if hasattr(node, "ctx"):
            expression.ctx = node.ctx
        for key in anno.keys(node):
            if key is not anno.Basic.QN:
                anno.copyanno(node, expression, key)
        anno.setanno(expression, anno.Basic.QN, qualified)
        return expression

    visit_Name = visit_Attribute = visit_Subscript = _expression

    def _names(self, node: Any) -> Any:
        node.names = [str(self.names.get(name, name)) for name in node.names]
        return node

    visit_Global = visit_Nonlocal = _names

    def visit_FunctionDef(self, node: Any) -> Any:
        node.name = str(self.names.get(node.name, node.name))
        return self.generic_visit(node)


def rename_symbols(node: Any, name_map: Mapping[Any, Any]) -> Any:
    """Renames qualified names, annotated by `qual_names.resolve`, in a tree or several: {QN: QN}."""
    renamer = _Renamer(name_map)
    if isinstance(node, list | tuple):
        return type(node)(renamer.visit(part) for part in node)
    return renamer.visit(node)


def keywords_to_dict(keywords: Iterable[Any]) -> Any:
    """Returns keyword arguments as the expression of a dict."""
    pairs = [(gast.Constant(word.arg, kind=None), word.value) for word in keywords]
    return gast.Dict(keys=[key for key, _ in pairs], values=[value for _, value in pairs])


def matches(node: Any, pattern: Any) -> bool:
    """True if a tree matches a pattern, a tree or its source, in which the name `_` matches anything."""
    if isinstance(pattern, str):
        pattern = parser.parse_expression(pattern)
    return _is_like(node, pattern)


def _is_like(node: Any, pattern: Any) -> bool:
    if isinstance(pattern, gast.Name) and pattern.id == "_":
        return True
    if isinstance(pattern, list | tuple) or isinstance(node, list | tuple):
        mine, theirs = node or (), pattern or ()
        return len(mine) == len(theirs) and all(map(_is_like, mine, theirs))
    if not isinstance(pattern, gast.AST | ast.AST):
        return node == pattern
    if type(node) is not type(pattern):
        return False
    return all(
        _is_like(getattr(node, name, None), getattr(pattern, name, None))
        for name in pattern._fields
        if name != "kind"
    )


def apply_to_single_assignments(
    targets: Any, values: Any, apply_fn: Callable[[Any, Any], Any]
) -> None:
    """Calls `apply_fn(target, value)` for each single assignment in one that may be unpacked."""
    if not isinstance(targets, list | tuple):
        targets = (targets,)
    for target in targets:
        if isinstance(target, gast.Tuple | gast.List):
            for at, part in enumerate(target.elts):
                if isinstance(values, gast.Tuple | gast.List):
                    value = values.elts[at]
                elif not isinstance(values, ast.AST):
                    value = values[at]
                else:
                    value = gast.Subscript(
                        value=values, slice=gast.Constant(at, kind=None), ctx=gast.Load()
                    )
                apply_to_single_assignments(part, value, apply_fn)
        else:
            apply_fn(target, values)


def parallel_walk(node: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """Yields the corresponding nodes of two trees, or lists of trees.

    Raises:
      ValueError: the trees are not alike.
    """
    pending = [(node, other)]
    while pending:
        one, two = pending.pop()
        if isinstance(one, list | tuple) != isinstance(two, list | tuple):
            one, two = (
                [part] if not isinstance(part, list | tuple) else part for part in (one, two)
            )
        if isinstance(one, list | tuple):
            if len(one) != len(two):
                raise ValueError(f"inconsistent trees: {one!r} and {two!r}")
            pending += reversed(list(zip(one, two)))
            continue
        if type(one) is not type(two):
            raise ValueError(f"inconsistent nodes: {one!r} and {two!r}")
        if not isinstance(one, gast.AST | ast.AST):
            continue
        yield one, two
        for name in reversed(one._fields):
            pair = getattr(one, name, None), getattr(two, name, None)
            if any(isinstance(part, gast.AST | ast.AST | list) for part in pair):
                pending.append(pair)
