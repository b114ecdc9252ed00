"""Qualified names such as `a.b[c]`: `tensorflow.python.autograph.pyct.qual_names`."""

from __future__ import annotations

from typing import Any, NamedTuple

import gast

from penstock._src.bridge.python.autograph.pyct import anno, parser


class Symbol(NamedTuple):
    """A plain name."""

    name: str


class Literal(NamedTuple):
    """A number or string as an index."""

    value: Any

    def __str__(self) -> str:
        return repr(self.value)

    def __repr__(self) -> str:
        return str(self)


class QN:
    """A qualified name: a plain name, or an attribute or element of one.

    Args:
      base: a string, or the name of which this is a part.
      subscript: the index of an element, a QN or a Literal.
      attr: the name of an attribute.
    """

    def __init__(self, base: Any, subscript: Any = None, attr: str | None = None) -> None:
        if subscript is not None and attr is not None:
            raise ValueError(
                f"A QN can only be either a subscript or an attribute, not both: subscript={subscript}, "
                f"attr={attr}."
            )
        self._has_subscript, self._has_attr = subscript is not None, attr is not None
        if self._has_attr or self._has_subscript:
            if not isinstance(base, QN):
                raise ValueError(f"A part belongs to a QN; got base={base!r}.")
            self._parent: QN | None = base
            self.qn: tuple[Any, ...] = (base, attr if self._has_attr else subscript)
        else:
            if not isinstance(base, str | Literal):
                raise ValueError(
                    f"For simple QNs, base must be a string or a Literal; got {base!r}."
                )
            if isinstance(base, str) and any(c in base for c in ".[]"):
                raise ValueError(
                    f"Qualified names cannot be created from strings with parts; got {base!r}."
                )
            self._parent, self.qn = None, (base,)

    def is_symbol(self) -> bool:
        """True if it is a plain name."""
        return isinstance(self.qn[0], str)

    def is_simple(self) -> bool:
        """True if it is not part of another."""
        return len(self.qn) <= 1

    def is_composite(self) -> bool:
        """True if it is a part of another."""
        return len(self.qn) > 1

    def has_subscript(self) -> bool:
        """True if it is an element."""
        return self._has_subscript

    def has_attr(self) -> bool:
        """True if it is an attribute."""
        return self._has_attr

    @property
    def attr(self) -> str:
        """The name of the attribute."""
        if not self._has_attr:
            raise ValueError(f"Cannot get attr of non-attribute '{self}'.")
        return self.qn[1]

    @property
    def parent(self) -> QN:
        """The name of the object of which it is an attribute or an element."""
        if self._parent is None:
            raise ValueError(f"Cannot get parent of simple name '{self.qn[0]}'.")
        return self._parent

    @property
    def owner_set(self) -> set[QN]:
        """The names of all objects that contain it: for `a.b.c`, these are `a.b` and `a`."""
        owners: set[QN] = set()
        if self._has_attr or self._has_subscript:
            owners = {self.parent} | self.parent.owner_set
        return owners

    @property
    def support_set(self) -> set[QN]:
        """The plain names that must be known to evaluate it."""
        names: set[QN] = set()
        if self._parent is None:
            return {self}
        names |= self._parent.support_set
        if self._has_subscript and isinstance(self.qn[1], QN):
            names |= self.qn[1].support_set
        return names

    def __hash__(self) -> int:
        return hash((self.qn, self._has_attr, self._has_subscript))

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, QN)
            and self.qn == other.qn
            and self._has_subscript == other._has_subscript
            and self._has_attr == other._has_attr
        )

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)

    def __str__(self) -> str:
        if self._has_subscript:
            return f"{self.qn[0]}[{self.qn[1]}]"
        return ".".join(map(str, self.qn))

    __repr__ = __str__

    def ssf(self) -> str:
        """Returns a plain name made of its parts."""
        parts = [n.ssf() if isinstance(n, QN) else str(n) for n in self.qn]
        return "_sub_".join(parts) if self._has_subscript else "_".join(parts)

    def ast(self) -> Any:
        """Returns the expression, whose outer context is not set."""
        if self._has_subscript:
            index = self.qn[1]
            node = (
                gast.Constant(index.value, kind=None) if isinstance(index, Literal) else index.ast()
            )
            return gast.Subscript(value=self.parent.ast(), slice=node, ctx=CallerMustSetThis)
        if self._has_attr:
            return gast.Attribute(value=self.parent.ast(), attr=self.qn[1], ctx=CallerMustSetThis)
        base = self.qn[0]
        if isinstance(base, Literal):
            return gast.Constant(base.value, kind=None)
        return gast.Name(id=base, ctx=CallerMustSetThis, annotation=None, type_comment=None)


class CallerMustSetThis:
    """Stands for a context that is not known yet."""


class QnResolver(gast.NodeTransformer):
    """Annotates names, attributes and elements with their QNs."""

    def visit_Name(self, node: Any) -> Any:
        node = self.generic_visit(node)
        anno.setanno(node, anno.Basic.QN, QN(node.id))
        return node

    def visit_Attribute(self, node: Any) -> Any:
        node = self.generic_visit(node)
        if anno.hasanno(node.value, anno.Basic.QN):
            owner = anno.getanno(node.value, anno.Basic.QN)
            anno.setanno(node, anno.Basic.QN, QN(owner, attr=node.attr))
        return node

    def visit_Subscript(self, node: Any) -> Any:
        node = self.generic_visit(node)
        index = node.slice
        if isinstance(index, gast.Constant):
            part: Any = Literal(index.value)
        elif anno.hasanno(index, anno.Basic.QN):
            part = anno.getanno(index, anno.Basic.QN)
        else:
            return node
        if anno.hasanno(node.value, anno.Basic.QN):
            owner = anno.getanno(node.value, anno.Basic.QN)
            anno.setanno(node, anno.Basic.QN, QN(owner, subscript=part))
        return node


def resolve(node: Any) -> Any:
    """Annotates a tree with QNs."""
    return QnResolver().visit(node)


def from_str(qn_str: str) -> QN:
    """Returns the QN that is written like this."""
    node = resolve(parser.parse_expression(qn_str))
    return anno.getanno(node, anno.Basic.QN)
