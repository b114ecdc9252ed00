"""Source with holes as syntax trees: `tensorflow.python.autograph.pyct.templates`."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, ast_util, parser, qual_names

_STORED = ("targets", "target", "optional_vars")


def set_context(node: Any, context: Any) -> None:
    """Sets the context of an expression and all its parts: parts are loaded, parameters are parameters."""
    if isinstance(node, list):
        for part in node:
            set_context(part, context)
        return
    if not isinstance(node, ast.AST):
        return
    if "ctx" in node._fields:
        untyped: Any = node
        untyped.ctx = context()
    passes_on = isinstance(node, gast.Tuple | gast.List | gast.Starred)
    for name in node._fields:
        part = getattr(node, name, None)
        if name == "ctx" or not isinstance(part, ast.AST | list):
            continue
        if isinstance(node, gast.arguments):
            inner = gast.Load if name in ("defaults", "kw_defaults") else gast.Param
        elif name in _STORED:
            inner = gast.Del if isinstance(node, gast.Delete) else gast.Store
        else:
            inner = context if passes_on and name in ("elts", "value") else gast.Load
        set_context(part, inner)


def _as_nodes(value: Any) -> Any:
    """A replacement as a tree or a list of trees."""
    if isinstance(value, qual_names.QN):
        return value.ast()
    if isinstance(value, str):
        return gast.Name(id=value, ctx=gast.Load(), annotation=None, type_comment=None)
    if isinstance(value, list | tuple):
        return [_as_nodes(part) for part in value]
    if isinstance(value, ast.AST):
        return value
    raise ValueError(f"a template takes names, trees and lists of those. Received {value!r}.")


class ReplaceTransformer(gast.NodeTransformer):
    """Fills the holes of a template.

    Args:
      replacements: {name: tree or list of trees}.
    """

    def __init__(self, replacements: Mapping[str, Any]) -> None:
        self.replacements = replacements

    def _copy(self, name: str) -> Any:
        return ast_util.copy_clean(self.replacements[name], _kept(self.replacements[name]))

    def visit_Expr(self, node: Any) -> Any:
        if isinstance(node.value, gast.Name) and node.value.id in self.replacements:
            # The replacement is a statement of its own, even if it is an expression.
            return self.visit(node.value)
        return self.generic_visit(node)

    def visit_Name(self, node: Any) -> Any:
        if node.id not in self.replacements:
            return node
        copies = self._copy(node.id)
        set_context(copies, type(node.ctx))
        return copies[0] if isinstance(copies, list) and len(copies) == 1 else copies

    def visit_keyword(self, node: Any) -> Any:
        if node.arg not in self.replacements:
            return self.generic_visit(node)
        copies = self._copy(node.arg)
        if isinstance(copies, gast.keyword):
            copies = [copies]
        if not copies or not all(isinstance(part, gast.keyword) for part in copies):
            raise ValueError(
                f"a keyword argument is replaced by keyword arguments. Received {copies!r}."
            )
        return copies

    def _name(self, name: str) -> str:
        if name not in self.replacements:
            return name
        replacement = self.replacements[name]
        if not isinstance(replacement, gast.Name):
            raise ValueError(
                f"the name of a definition is replaced by a name. Received {replacement!r}."
            )
        return replacement.id

    def visit_FunctionDef(self, node: Any) -> Any:
        node = self.generic_visit(node)
        node.name = self._name(node.name)
        return node

    visit_ClassDef = visit_FunctionDef

    def visit_Attribute(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if node.attr in self.replacements:
            replacement = self.replacements[node.attr]
            if not isinstance(replacement, gast.Name):
                raise ValueError(f"an attribute is replaced by a name. Received {replacement!r}.")
            node.attr = replacement.id
        return node


def _kept(node: Any) -> set[Any]:
    """The keys of all annotations in a tree."""
    nodes = node if isinstance(node, list) else [node]
    return {key for part in nodes for inner in gast.walk(part) for key in anno.keys(inner)}


def replace(template: str, **replacements: Any) -> list[Any]:
    """Returns the statements of a template, in which names, attributes, keywords and blocks are replaced.

    Args:
      template: Python source.
      **replacements: a name, qualified name, tree or list of those for each name that is replaced.

    Raises:
      ValueError: a replacement does not fit its place.
    """
    if not isinstance(template, str):
        raise ValueError(f"Expected string template, got {type(template)}")
    nodes = {name: _as_nodes(value) for name, value in replacements.items()}
    results: list[Any] = []
    for node in parser.parse(textwrap.dedent(template), single_node=False):
        filled = ReplaceTransformer(nodes).visit(node)
        results.extend(filled if isinstance(filled, list) else [filled])
    return [qual_names.resolve(node) for node in results]


def replace_as_expression(template: str, **replacements: Any) -> Any:
    """Returns the only expression of a template.

    Raises:
      ValueError: the template is something else.
    """
    statements = replace(template, **replacements)
    if len(statements) != 1:
        raise ValueError(
            f"single expression expected; for more general templates use replace. Got {statements}."
        )
    (node,) = statements
    if isinstance(node, gast.Expr):
        return node.value
    if isinstance(node, gast.Name):
        return node
    raise ValueError(
        f"the template is expected to generate an expression or a name node; got {node}"
    )
