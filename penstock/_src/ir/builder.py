"""The Builder `p`: by it lowerings write primitives.

Every value goes through `make`: an equal node that exists is returned instead of a new one; a node whose arguments are
known is computed at once (folding.py); and the rules of `rules/` simplify as nodes are made, so there is no separate
simplifier to run. The methods stand by idea in `build/`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.ir import dims, folding
from penstock._src.ir.build.control import Control
from penstock._src.ir.build.elementwise import Elementwise
from penstock._src.ir.build.indexing import Indexing
from penstock._src.ir.build.leaves import Leaves
from penstock._src.ir.build.movement import Movement
from penstock._src.ir.build.reduction import Reduction
from penstock._src.ir.build.special import Special
from penstock._src.ir.dims import Dim, Extent
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.function import Check, Function
from penstock._src.ir.meaning import ranges
from penstock._src.ir.node import Node, attribute_key
from penstock._src.ir.primitives import OPS_OF, PRIMITIVES
from penstock._src.ir.rules import simplify

# The dtype of nodes with several results; each `item` has its own.
NO_DTYPE: Any = None


class Builder(Leaves, Elementwise, Special, Movement, Reduction, Indexing, Control):
    """Makes nodes. One builder serves one program: its nodes and those of all nested functions."""

    def __init__(self, rules: bool = True, fold: bool = True) -> None:
        self.known: dict[tuple, Node] = {}
        self.origin: Any = None  # what is being lowered: copied to every node made
        self.depth = 0  # how many functions deep the node being made stands
        self.trial: int | None = None  # the depth of a loop's body that is traced to learn of it
        # What functions gave for their arguments, and the inner checks made then, see compiler/lower/control_flow.py.
        self.inlined: dict[Any, Any] = {}
        self.settled: dict[Any, Any] = {}  # what is known of loops, see compiler/lower/loops.py
        self.rules, self.fold = rules, fold
        self.hits: dict[str, int] = {}  # how often each rule applied
        self.checks: list[Check] = []
        self.inner_checks: dict[str, Node] | None = None  # those inside of a loop or branch
        self.ranges: dict[int, Any] = {}  # node id -> its least and largest value, as found
        self.assumed: dict[int, Any] = {}  # the same, as told
        self.recorded: set[int] = set()  # nodes taken off lists: what a loop used, for its gradient
        self.assertions: dict[
            str, Any
        ] = {}  # message of a check -> the operation that it is, its arguments
        self.symbolic: dict[
            int, Any
        ] = {}  # node id -> object array of ints and Dims, see folding.py
        self.variables: dict[int, Node] = {}  # handle's id -> the variable's present value
        self.written: dict[int, Node] = {}  # handle's id -> handle, of variables that were assigned
        self.asked: list[Node] = []  # nodes whose values were asked for and are not known

    def forget(self) -> None:
        """Drops what only the making of further nodes needs: nodes keep their builder as long as they live."""
        for memory in (self.known, self.ranges, self.assumed, self.symbolic, self.settled):
            memory.clear()
        self.inlined.clear()
        self.recorded.clear()
        self.asked.clear()

    def make(self, kind: str, args: Sequence[Node], **attrs: Any) -> Node:
        """The node `kind(args; attrs)`, or a simpler node of the same value."""
        args = tuple(args)
        key = (
            kind,
            tuple([a.id for a in args]),
            tuple([attribute_key(attrs[k]) for k in sorted(attrs)]),
        )
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.simplified(self.new(kind, args, attrs))
        return found

    def new(self, kind: str, args: tuple[Node, ...], attrs: Mapping[str, Any]) -> Node:
        """A node as it stands, its shape by the kind's rule."""
        row = PRIMITIVES[kind]
        if row.arity is not None and len(args) != row.arity:
            raise MalformedFunction(f"{kind} takes {row.arity} arguments. Received {len(args)}.")
        if kind in OPS_OF and attrs["op"] not in OPS_OF[kind]:
            raise MalformedFunction(f"{kind} knows no operation {attrs['op']!r}.")
        depth = max([a.depth for a in args], default=0)
        typed = row.infer(args, attrs)
        if isinstance(typed, list):
            return Node(self, kind, args, attrs, (), NO_DTYPE, tuple(typed), depth, self.origin)
        shape, dtype = typed
        if any([n < 0 for n in shape]):
            raise NotLowerable(f"{kind} of negative extents: {list(map(int, shape))}")
        if kind == "parameter":
            depth = attrs["scope"][0]
        return Node(self, kind, args, attrs, shape, dtype, None, depth, self.origin)

    def simplified(self, node: Node) -> Node:
        """The node, folded to a constant or replaced by what a rule makes of it."""
        if self.fold:
            folded = folding.fold(self, node)
            if folded is not None:
                return folded
        if self.rules:
            replaced = simplify(self, node)
            if replaced is not None:
                return replaced
        return node

    def value(self, node: Node) -> Any:
        """The array that a node is known to be while lowering (Dims as the ints of this specialisation), or None."""
        found = folding.value(self, node)
        if found is None:
            self.asked.append(node)
        return found

    def dims(self, node: Node) -> list[dims.Extent] | None:
        """The numbers in a node of shape arithmetic, Dims where they depend on unknown dimensions, or None."""
        known = folding.symbolic_value(self, node)
        if known is None:
            self.asked.append(node)
            return None
        return list(known.reshape(-1))

    def difference(self, before: Node, after: Node) -> Extent | None:
        """The known number by which one integer is larger than another, neither of which has to be known; or None."""
        return folding.difference(self, before, after)

    def bounds(self, node: Node) -> tuple[Any, Any] | None:
        """The least and the largest number that a node can hold, if anything is known of it."""
        return ranges.bounds(self, node)

    def assume(self, node: Node, low: Any, high: Any) -> None:
        """Tells the least and the largest number that a node can hold."""
        self.assumed[node.id] = low, high
        self.ranges.clear()

    def assume_like(self, node: Node, other: Node) -> None:
        """Tells of a node what was told of another."""
        if other.id in self.assumed:
            self.assume(node, *self.assumed[other.id])

    def is_recorded(self, node: Node) -> bool:
        """Whether a number is one that a loop used, taken off a list for the loop's gradient."""
        while node.id not in self.recorded and node.kind in ("cast", "reshape", "broadcast"):
            node = node.args[0]
        return node.id in self.recorded

    def host_value(self, function: Any, shape: Sequence[int], dtype: DType) -> Node:
        """A value that `function()` gives anew on the host before each run of the program."""
        raise NotLowerable("the host gives no values to this program")

    def check(self, condition: Node, message: str) -> None:
        """Makes the program raise InvalidArgumentError(message) unless the scalar `condition` holds.

        Inside of a loop or branch what collects its checks (`collected`) hands the condition on.
        """
        condition = self.broadcast_to(condition, ())
        if not self.depth:
            self.checks.append(Check(condition, message))
            return
        if self.inner_checks is None:
            raise NotLowerable("a check inside of a loop or branch")
        earlier = self.inner_checks.get(message)
        self.inner_checks[message] = condition if earlier is None else self.and_(earlier, condition)

    def check_as_host(self, condition: Node, message: str, args: Sequence[Node]) -> None:
        """`check`, but where possible what is raised is what the operation's kernel raises for these arguments."""
        if not self.depth and self.origin is not None:
            message = f"{message} [{self.origin.name}]"
            self.assertions[message] = self.origin, list(args)
        self.check(condition, message)

    @contextlib.contextmanager
    def collected(self) -> Iterator[dict[str, Node]]:
        """The conditions of the checks made within, by their messages: they have to hold, but nothing looks yet."""
        outer, self.inner_checks = self.inner_checks, {}
        try:
            yield self.inner_checks
        finally:
            self.inner_checks = outer

    def function(
        self,
        name: str,
        parameters: Sequence[Node],
        results: Sequence[Node],
        symbols: Iterable[Dim] = (),
    ) -> Function:
        """The program that computes results, with the variable updates and checks collected so far."""
        updates = [(h, self.variables[i]) for i, h in self.written.items()]
        changed = [(h, v) for h, v in updates if not (v.kind == "read" and v.args[0] is h)]
        known = tuple([(name, int(d)) for d in symbols for name in dims.symbols(d)])
        return Function(
            name, tuple(parameters), tuple(results), tuple(changed), tuple(self.checks), known
        )

    def read_variable(self, handle: Node) -> Node:
        """The value of a variable at this point of the program."""
        if handle.id not in self.variables:
            shape, dtype = handle.attrs["variable"]
            self.variables[handle.id] = self.make("read", (handle,), shape=shape, dtype=dtype)
        return self.variables[handle.id]

    def assign_variable(self, handle: Node, value: Node) -> None:
        """Gives a variable a new value from this point on."""
        shape, dtype = handle.attrs["variable"]
        if value.dtype != dtype or value.shape != shape:
            raise NotLowerable("a variable changes its shape")
        self.variables[handle.id] = value
        self.written[handle.id] = handle

    @contextlib.contextmanager
    def whole_or_not(self) -> Iterator[None]:
        """Takes back what was written to variables and checked within, if it ends in an exception."""
        before = dict(self.variables), dict(self.written), len(self.checks)
        try:
            yield
        except Exception:
            self.variables, self.written = before[:2]
            del self.checks[before[2] :]
            raise

    def scalar(self, value: Any, dtype: DType) -> Node:
        """A scalar constant; a Dim becomes a `size` node."""
        return (
            self.size(value, dtype) if isinstance(value, dims.Dim) else self.constant(value, dtype)
        )
