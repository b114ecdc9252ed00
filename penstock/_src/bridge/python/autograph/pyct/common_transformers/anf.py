"""Expressions in A-normal form, whose operands are names: `tensorflow.python.autograph.pyct.common_transformers.anf`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import gast

from penstock._src.bridge.python.autograph.pyct import templates, transformer

ANY = object()

Directive = Callable[[Any, str, Any], bool]


def REPLACE(parent: Any, field: str, child: Any) -> bool:
    """Says that a child is assigned to a new name."""
    return True


def LEAVE(parent: Any, field: str, child: Any) -> bool:
    """Says that a child stays where it is."""
    return False


class ASTEdgePattern(NamedTuple):
    """A kind of edge of a syntax tree; `ANY` stands for all values of a part.

    parent, child: classes of nodes, or tuples of classes
    field: a field of the parent
    """

    parent: Any
    field: Any
    child: Any

    def matches(self, parent: Any, field: str, child: Any) -> bool:
        """True if an edge is of this kind."""
        return (
            (self.parent is ANY or isinstance(parent, self.parent))
            and (self.field is ANY or self.field == field)
            and (self.child is ANY or isinstance(child, self.child))
        )


DEFAULT = (
    (ASTEdgePattern(ANY, ANY, gast.Constant), LEAVE),
    (ASTEdgePattern(ANY, ANY, gast.expr), REPLACE),
)

# The fields whose expressions can be assigned to names before the statement, in the order in which Python computes them.
OPERANDS = {
    gast.Attribute: ("value",),
    gast.BinOp: ("left", "right"),
    gast.Call: ("func", "args", "keywords"),
    gast.Compare: ("left", "comparators"),
    gast.Dict: ("keys", "values"),
    gast.For: ("iter",),
    gast.If: ("test",),
    gast.List: ("elts",),
    gast.Raise: ("exc", "cause"),
    gast.Return: ("value",),
    gast.Set: ("elts",),
    gast.Subscript: ("value", "slice"),
    gast.Tuple: ("elts",),
    gast.UnaryOp: ("operand",),
    gast.With: ("items",),
    gast.Yield: ("value",),
    gast.YieldFrom: ("value",),
}
# What cannot be computed before the statement: fields that must be trivial, and why.
TRIVIAL = {
    gast.Assert: (("test", "msg"), "yet (need to avoid computing the test when assertions are off, and avoid computing the irritant when the assertion does not fire)"),
    gast.BoolOp: (("values",), "yet (need to preserve short-circuiting semantics)"),
    gast.FormattedValue: (("value", "format_spec"), "yet (need to compute the parts of a text in order)"),
    gast.IfExp: (("test", "body", "orelse"), "yet (need to convert to If statement, to evaluate branches lazily and insert statements into them)"),
    gast.JoinedStr: (("values",), "yet (need to compute the parts of a text in order)"),
    gast.Lambda: (("args", "body"), "(cannot insert statements into lambda bodies)"),
}  # fmt: skip
COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
# What stands before their bodies, such as decorators, stays.
DEFINITIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef)
# The parts of statements that are statements themselves.
BLOCKS = ("body", "handlers", "orelse", "finalbody")


class AnfTransformer(transformer.Base):
    """Assigns operands to new names before the statement that they stand in.

    Args:
      ctx: the context.
      config: pairs (pattern of edges, directive), the first that matches decides; operands that none matches stay.
    """

    def __init__(self, ctx: Any, config: Sequence[tuple[Any, Directive]] | None = None) -> None:
        super().__init__(ctx)
        self._config = DEFAULT if config is None else config
        self._numbers = itertools.count(1001)
        self._pending: list[Any] = []

    def visit(self, node: Any) -> Any:
        """Visits a node; what a statement's operands are assigned by stands before it.

        Raises:
          ValueError: the operands cannot be computed before the statement.
        """
        if not isinstance(node, gast.stmt):
            return super().visit(node)
        around, self._pending = self._pending, []
        try:
            result = super().visit(node)
            return [*self._pending, result] if self._pending else result
        finally:
            self._pending = around

    def generic_visit(self, node: Any) -> Any:
        """Visits the parts of a node, then names its operands, then visits the statements in it."""
        if isinstance(node, COMPREHENSIONS):
            raise ValueError(
                f"{type(node).__name__} nodes not supported (need to convert to a form that tolerates "
                "assignment statements in clause bodies)."
            )
        blocks = [name for name in BLOCKS if isinstance(getattr(node, name, None), list)]
        before = len(self._pending)
        for name in () if isinstance(node, DEFINITIONS) else node._fields:
            if name not in blocks:
                self._visit_field(node, name)
        self._require_form(node, len(self._pending) > before)
        for name in OPERANDS.get(type(node), ()):
            setattr(node, name, self._named(node, name, getattr(node, name)))
        for name in blocks:
            setattr(node, name, self.visit_block(getattr(node, name)))
        return node

    def _visit_field(self, node: Any, name: str) -> None:
        value, before = getattr(node, name, None), len(self._pending)
        if isinstance(value, list):
            visited = (self.visit(v) if isinstance(v, gast.AST) else v for v in value)
            setattr(node, name, list(visited))
        elif isinstance(value, gast.AST):
            setattr(node, name, self.visit(value))
        if isinstance(node, gast.For) and name == "target" and len(self._pending) > before:
            _refuse("For with nontrivial target not supported (computed in each turn)")

    def _require_form(self, node: Any, has_statements: bool) -> None:
        """Raises ValueError for a node whose operands have names, or need them, where none can be assigned."""
        fields, why = TRIVIAL.get(type(node), ((), ""))
        if has_statements and fields or any(self._needs_name(node, name) for name in fields):
            _refuse(f"Nontrivial {type(node).__name__} nodes not supported {why}")
        if isinstance(node, gast.Compare) and len(node.ops) > 1:
            _refuse(
                "Multi-ary compare nodes not supported yet (need to preserve short-circuiting semantics)"
            )
        if isinstance(node, gast.While) and (has_statements or self._needs_name(node, "test")):
            _refuse(
                "While with nontrivial test not supported yet (need to avoid precomputing the test)"
            )
        if isinstance(node, gast.ExceptHandler) and has_statements:
            _refuse("Except with nontrivial type not supported (computed only after an error)")

    def _needs_name(self, node: Any, field: str) -> bool:
        value = getattr(node, field)
        children = value if isinstance(value, list) else [value]
        return any(self._replaces(node, field, child) for child in children)

    def _replaces(self, parent: Any, field: str, child: Any) -> bool:
        if not isinstance(child, gast.expr | gast.arguments) or isinstance(child, gast.Name):
            return False
        for pattern, directive in self._config:
            if pattern is ANY or pattern.matches(parent, field, child):
                return directive(parent, field, child)
        return False

    def _named(self, parent: Any, field: str, child: Any) -> Any:
        """What stands in place of a child: a new name, or the child with names in it."""
        if isinstance(child, list):
            return [self._named(parent, field, each) for each in child]
        for name in _PARTS.get(type(child), ()):
            setattr(child, name, self._named(parent, field, getattr(child, name)))
        if type(child) in _PARTS or _is_bound(child) or not self._replaces(parent, field, child):
            return child
        name = f"tmp_{next(self._numbers)}"
        self._pending.extend(templates.replace("name = value", name=name, value=child))
        return gast.Name(name, ctx=gast.Load(), annotation=None, type_comment=None)


# Nodes that are no values, though their parts are.
_PARTS = {
    gast.Starred: ("value",),
    gast.keyword: ("value",),
    gast.withitem: ("context_expr",),
    gast.Slice: ("lower", "upper", "step"),
}


def _is_bound(node: Any) -> bool:
    """True for what is assigned or deleted, and for indices that have slices."""
    if isinstance(getattr(node, "ctx", None), gast.Store | gast.Del):
        return True
    return isinstance(node, gast.Tuple) and any(isinstance(e, gast.Slice) for e in node.elts)


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"{what}.")


def transform(node: Any, ctx: Any, config: Sequence[tuple[Any, Directive]] | None = None) -> Any:
    """Returns a syntax tree in A-normal form.

    Args:
      node: the tree of a function or of statements.
      ctx: the `transformer.Context`.
      config: pairs (`ASTEdgePattern` or `ANY`, directive), in the order in which they are tried; a directive is `REPLACE`,
        `LEAVE`, or a function of the parent, the field and the child that returns whether the child is assigned to a name.
        By default all expressions are, but for constants.

    Returns:
      The tree, changed in place.

    Raises:
      ValueError: expressions of `and`, `if`, `while`, comprehensions or functions cannot be computed before their statement.
    """
    return AnfTransformer(ctx, config).visit(node)
