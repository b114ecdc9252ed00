"""A Function: parameters, results, and what it does to variables."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.ir import printer
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class Check:
    """A condition that must hold when the function has run; else the message is raised as InvalidArgumentError."""

    condition: Node  # a scalar bool
    message: str
    origin: Any = None  # the operation that checks, where the condition was made for one around it

    def error(self) -> OpError:
        """Returns what is raised if the condition does not hold; its `origin` is the operation that checks."""
        error = InvalidArgumentError(None, None, self.message)
        error.origin = self.origin or self.condition.origin  # type: ignore[attr-defined]
        return error


# What processes do with arrays: combine them; combine them and keep a part each; join them; give each other a part.
EXCHANGES = ("all_reduce", "reduce_scatter", "all_gather", "all_to_all")
CARDS_EXCHANGES = ("all_reduce", "reduce_scatter", "all_gather", "broadcast")  # programs of cards


@dataclass(frozen=True, eq=False)
class ExchangeUnit:
    """Exchanges that are agreed on together: those that one operation makes.

    words    what each process tells the others; equal in all
    merge    the reduction, one of cluster/transport.py's; "" where values are only moved
    disagree what gives the error if they told different words: (their rows) -> error
    kind     one of EXCHANGES, or of CARDS_EXCHANGES; what is broadcast is the first process's
    ranks    the processes that exchange, in their order; empty: all
    ahead    how many exchanges of its kind that say so, too, may be under way at a time: their arrays take memory; 0: any number
    """

    words: tuple[int, ...]
    merge: str
    disagree: Callable[[Any], OpError]
    kind: str = "all_reduce"
    ranks: tuple[int, ...] = ()
    ahead: int = 0


@dataclass(frozen=True, eq=False)
class Function:
    """A closed graph of primitives: everything its results depend on are its parameters.

    `updates` gives the final value of variables: pairs of a handle (a parameter of dtype resource) and a node. They
    take effect after every result was computed. `read` nodes are the variables' values before that.
    """

    name: str
    parameters: tuple[Node, ...]
    results: tuple[Node, ...]
    updates: tuple[tuple[Node, Node], ...] = ()
    checks: tuple[Check, ...] = field(default=())
    # The `exchange_wait` nodes in their order: every process makes these exchanges, whether it reads their results or not.
    exchanges: tuple[Node, ...] = field(default=())

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes that must be computed: results, then new values of variables, checked conditions, what was exchanged."""
        conditions = [c.condition for c in self.checks]
        return (*self.results, *[v for _, v in self.updates], *conditions, *self.exchanges)

    @property
    def handles(self) -> tuple[Node, ...]:
        """The parameters that are variables."""
        return tuple([p for p in self.parameters if p.dtype == dtypes.resource])

    def nodes(self) -> list[Node]:
        """Every node that the roots depend on, arguments before what uses them. Nested functions' nodes are not in it."""
        return reachable(self.roots)

    def functions(self) -> "Iterator[Function]":
        """This function and every function nested in it, outermost first."""
        yield self
        for node in self.nodes():
            for body in bodies(node):
                yield from body.functions()

    def __str__(self) -> str:
        return printer.text(self)


def reachable(roots: Iterable[Node]) -> list[Node]:
    """The nodes that roots depend on, sorted by id, which is a topological order."""
    found: dict[int, Node] = {}
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node.id not in found:
            found[node.id] = node
            pending.extend(node.args)
    return [found[i] for i in sorted(found)]


def bodies(node: Node) -> tuple[Function, ...]:
    """The functions nested in a node."""
    if node.kind == "while":
        return node.attrs["cond"], node.attrs["body"]
    if node.kind == "case":
        return tuple(node.attrs["branches"])
    return ()


def users(nodes: Iterable[Node]) -> dict[int, list[Node]]:
    """For each node's id, the nodes of the list that take it as an argument (once for each place)."""
    found: dict[int, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.id, [])
        for arg in node.args:
            found.setdefault(arg.id, []).append(node)
    return found
