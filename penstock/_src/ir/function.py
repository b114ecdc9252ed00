"""A Function: parameters, results, and its updates of variables."""

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
    """A condition that must hold in each run; else InvalidArgumentError is raised with the message."""

    condition: Node  # a scalar bool
    message: str
    origin: Any = None  # the operation that checks, if not the origin of `condition`

    def error(self) -> OpError:
        """Returns the error for a condition that does not hold; its `_origin` is the operation that checks."""
        error = InvalidArgumentError(None, None, self.message)
        error._origin = self.origin or self.condition.origin
        return error


# Collective operations between processes, as in MPI.
EXCHANGES = ("all_reduce", "reduce_scatter", "all_gather", "all_to_all")
GPU_EXCHANGES = ("all_reduce", "reduce_scatter", "all_gather", "broadcast")  # between GPUs


@dataclass(frozen=True, eq=False)
class ExchangeUnit:
    """The exchanges of one operation, on which the processes agree together.

    words    a description that each process sends to the others, and that must be equal in all
    merge    the reduction, one of cluster/transport.py's; "" if values are only moved
    disagree returns the error for different words: (rows of words) -> error
    kind     one of EXCHANGES, or of GPU_EXCHANGES; a broadcast sends the first process's array
    ranks    the processes that exchange, in order; empty: all
    ahead    the limit of concurrent exchanges among those of its kind that have a limit, as their arrays need memory; 0: no limit
    """

    words: tuple[int, ...]
    merge: str
    disagree: Callable[[Any], OpError]
    kind: str = "all_reduce"
    ranks: tuple[int, ...] = ()
    ahead: int = 0


@dataclass(frozen=True, eq=False)
class Function:
    """A closed graph of primitives: its results depend only on its parameters.

    `updates` are the final values of variables: pairs of a handle (a parameter of dtype resource) and a node. They
    take effect after all results have been computed. `read` nodes are the variables' values before that.
    """

    name: str
    parameters: tuple[Node, ...]
    results: tuple[Node, ...]
    updates: tuple[tuple[Node, Node], ...] = ()
    checks: tuple[Check, ...] = field(default=())
    # The `exchange_wait` nodes in order: every process makes these exchanges, even if it does not use their results.
    exchanges: tuple[Node, ...] = field(default=())

    @property
    def roots(self) -> tuple[Node, ...]:
        """The nodes that must be computed: results, then new values of variables, checked conditions, exchanges."""
        conditions = [c.condition for c in self.checks]
        return (*self.results, *[v for _, v in self.updates], *conditions, *self.exchanges)

    @property
    def handles(self) -> tuple[Node, ...]:
        """The parameters that are variables."""
        return tuple([p for p in self.parameters if p.dtype == dtypes.resource])

    def nodes(self) -> list[Node]:
        """All nodes on which the roots depend, in topological order, without those of nested functions."""
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
    """The nodes on which roots depend, sorted by id, which is a topological order."""
    nodes: dict[int, Node] = {}
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node.id not in nodes:
            nodes[node.id] = node
            pending.extend(node.args)
    return [nodes[i] for i in sorted(nodes)]


def bodies(node: Node) -> tuple[Function, ...]:
    """The functions nested in a node."""
    if node.kind == "while":
        return node.attrs["cond"], node.attrs["body"]
    if node.kind == "case":
        return tuple(node.attrs["branches"])
    return ()


def users(nodes: Iterable[Node]) -> dict[int, list[Node]]:
    """For each node's id, the nodes of the list that take it as an argument; a node that takes it twice is listed twice."""
    by_id: dict[int, list[Node]] = {}
    for node in nodes:
        by_id.setdefault(node.id, [])
        for arg in node.args:
            by_id.setdefault(arg.id, []).append(node)
    return by_id
