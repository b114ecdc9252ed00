"""Patterns over nodes, written as expressions: `x * 1`, `exp(log(x))`, `reduce_sum(x * c)`.

A variable matches any node; the same variable twice must match the same node. A Python number matches a constant of
that value, also one that was broadcast to a shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.ir.meaning.known_values import is_number
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import COMMUTATIVE

Bindings = dict[str, Node]


class Pattern:
    """A pattern of nodes. `heads` are the (kind, op) pairs of possible roots; None means any."""

    heads: tuple[tuple[str, str | None], ...] | None = None
    # The kinds of nodes that it can match at all; None means any. Most attempts end here.
    kinds: tuple[str, ...] | None = None

    def match(self, node: Node, bindings: Bindings) -> bool:
        """True if the node matches; variables are bound in `bindings`."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Pattern:
        return binary("add", self, other)

    def __sub__(self, other: Any) -> Pattern:
        return binary("sub", self, other)

    def __mul__(self, other: Any) -> Pattern:
        return binary("mul", self, other)

    def __truediv__(self, other: Any) -> Pattern:
        return binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Pattern:
        return binary("div", other, self)

    def __neg__(self) -> Pattern:
        return unary("neg", self)


class Wildcard(Pattern):
    """Matches any node."""

    def __init__(self, name: str) -> None:
        self.name = name

    def match(self, node: Node, bindings: Bindings) -> bool:
        return bindings.setdefault(self.name, node) is node


class NumberPattern(Pattern):
    """Matches a constant of one value, through broadcasts."""

    kinds = ("constant", "broadcast", "reshape")

    def __init__(self, value: float) -> None:
        self.value = value

    def match(self, node: Node, bindings: Bindings) -> bool:
        return is_number(node, self.value)


class Kind(Pattern):
    """Matches a node of a kind with any number of arguments; the first one is of the kind `of` if that is given."""

    def __init__(self, kind: str, of: str = "") -> None:
        self.kind, self.of = kind, of
        self.heads = ((kind, None),)

    def match(self, node: Node, bindings: Bindings) -> bool:
        return node.kind == self.kind and self.of in ("", node.args[0].kind)


class Apply(Pattern):
    """Matches a node of a kind (and operation) whose arguments match; commutative operations either way round."""

    def __init__(self, kind: str, op: str | None, args: tuple[Any, ...]) -> None:
        self.kind, self.op = kind, op
        self.args = tuple([lift(a) for a in args])
        self.heads, self.kinds = ((kind, op),), (kind,)

    def match(self, node: Node, bindings: Bindings) -> bool:
        if node.kind != self.kind or (self.op is not None and node.attrs.get("op") != self.op):
            return False
        if len(node.args) != len(self.args):
            return False
        if self._match_args(node.args, bindings):
            return True
        return self.op in COMMUTATIVE and self._match_args(node.args[::-1], bindings)

    def _match_args(self, args: tuple[Node, ...], bindings: Bindings) -> bool:
        for pattern, arg in zip(self.args, args):
            if pattern.kinds is not None and arg.kind not in pattern.kinds:
                return False
        trial = dict(bindings)
        for pattern, arg in zip(self.args, args):
            if not pattern.match(arg, trial):
                return False
        bindings.update(trial)
        return True


def lift(value: Any) -> Pattern:
    """A pattern; numbers become a NumberPattern."""
    return value if isinstance(value, Pattern) else NumberPattern(value)


def unary(op: str, x: Any) -> Pattern:
    """Matches op(x)."""
    return Apply("unary", op, (x,))


def binary(op: str, x: Any, y: Any) -> Pattern:
    """Matches x op y."""
    return Apply("binary", op, (x, y))


def variables(names: str) -> list[Wildcard]:
    """One variable for each word."""
    return [Wildcard(name) for name in names.split()]


def _named(kind: str, op: str | None) -> Callable[..., Pattern]:
    """Returns patterns for nodes of one kind and operation, given patterns of their arguments."""
    return lambda *args: Apply(kind, op, args)


neg, sqrt, reciprocal, not_ = (_named("unary", op) for op in ("neg", "sqrt", "reciprocal", "not"))
maximum, minimum, and_, or_ = (_named("binary", op) for op in ("maximum", "minimum", "and", "or"))
power = _named("binary", "pow")
reduce_sum = _named("reduce", "sum")
select, cast, pad = _named("select", None), _named("cast", None), _named("pad", None)
reshape, transpose, broadcast = (
    _named(kind, None) for kind in ("reshape", "transpose", "broadcast")
)
slice_, reverse = _named("slice", None), _named("reverse", None)
