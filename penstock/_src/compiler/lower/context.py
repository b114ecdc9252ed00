"""The context `p` that an op's `lower(p, ...)` gets: it creates primitives, reads and assigns variables, checks values.

It has the methods of every NodeMaker and creates its nodes by a Builder. It also holds the state of a lowering: the current values of
variables, the checks so far, the requested values, and findings about functions and loops.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from penstock._src.core.dtypes import DType
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.builder import Builder
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Check, ExchangeUnit, Function
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Refusal:
    """An operation whose kernel raises the error when a check fails, and its arguments.

    Only the arguments that the `condition` depends on matter, if it is known. `message` is the text of the check itself.
    """

    op: Any
    args: Sequence[Any]
    condition: Node | None = None
    message: str = ""

    @property
    def is_around(self) -> bool:
        """True if the operation is a loop or branch that contains the operation that checks."""
        return bool(self.op.raw_op.flow.runs_functions)


@dataclass(frozen=True)
class HeldVariable:
    """A variable among the arguments of an operation, with the value that it has there."""

    handle: Node
    value: Node


class InnerCheck(NamedTuple):
    """The message for a condition inside of a loop or branch that does not hold, and the operation that checks it."""

    message: str
    origin: Any


def _is_repeatable(op: Any, args: Sequence[Any]) -> bool:
    """True if an operation's kernel can be run once more for its error: a loop or branch on copies of its variables."""
    if op is None or not args or any(map(_is_of_host, args)):
        return False
    if op.raw_op.flow.runs_functions:
        return op.raw_op.flow.control in ("if", "case", "while")
    return op.raw_op.effects.leaves_nothing or not op.raw_op.stateful


def _is_of_host(arg: Any) -> bool:
    """True if an argument is held by the host, and not known to be a constant."""
    return hasattr(arg, "why") and arg.value is None


def follows_xla(operations: Iterable[Any]) -> bool:
    """True if one of nested operations is of a function with `jit_compile`."""
    return any(op.graph.runs_whole for op in operations)


class LoweringContext(NodeMaker):
    """Lowers the operations of one program: its own and those of all functions nested in it.

    `host_input` makes a parameter of a function that the host calls before each run, if the program can have such.
    """

    def __init__(self) -> None:
        self.builder = Builder()
        self.make = self.builder.make
        self.known = self.builder.known
        self.host_input: Callable[[Any, Sequence[int], DType], Node] | None = None
        self.asked: list[Node] = []  # nodes with unknown values that a lowering requested
        # variables
        self.variables: dict[int, Node] = {}  # handle's id -> the variable's present value
        self.written: dict[int, Node] = {}  # handle's id -> handle, of variables that were assigned
        # checks
        self.checks: list[Check] = []
        self.inner_checks: dict[InnerCheck, Node] | None = None  # those inside of a loop or branch
        self.exchanges: list[Node] = []  # the exchanges with other processes, in order
        # The refusals of a run, by the message of the check or by the operation with a bad index -> the operation that
        # raises the error on the host, and its arguments.
        self.assertions: dict[Any, Refusal] = {}
        self.arguments: Sequence[Any] = ()  # the arguments of the operation that is being lowered
        self.calls: Sequence[Any] = ()  # the enclosing calls, as operations
        # functions and loops
        self.trial: int | None = None  # the depth of a loop's body that is traced to learn of it
        # The results of functions for their arguments, with the inner checks made then, see control_flow.py.
        self.inlined_calls: dict[Any, Any] = {}
        self.loop_findings: dict[Any, Any] = {}  # findings about loops, see loops.py
        # Nodes popped off lists: values that a loop has read, for its gradient.
        self.recorded: set[int] = set()
        # node id -> further operations with the same value as the one that created the node
        self.equal: dict[int, list[Any]] = {}

    @property
    def origin(self) -> Any:
        """The operation that is being lowered: every node made refers to it."""
        return self.builder.origin

    @property
    def is_for_xla(self) -> bool:  # type: ignore[override]
        """True within a function with `jit_compile`, and in those that it calls."""
        return follows_xla(self.calls if self.origin is None else (*self.calls, self.origin))

    def forget(self) -> None:
        """Drops the state that is only needed to create further nodes: nodes keep their builder alive."""
        self.builder.forget()
        for memory in (self.loop_findings, self.inlined_calls, self.recorded, self.asked):
            memory.clear()  # type: ignore[attr-defined]

    def function(
        self,
        name: str,
        parameters: Sequence[Node],
        results: Sequence[Node],
    ) -> Function:
        """The program that computes results, with the variable updates and checks collected so far."""
        # A variable that gets its own value back has not changed.
        updates = [(h, self.variables[i]) for i, h in self.written.items()]
        changed = [(h, v) for h, v in updates if not (v.kind == "read" and v.args[0] is h)]
        return Function(
            name, tuple(parameters), tuple(results), tuple(changed), tuple(self.checks),
            tuple(self.exchanges),
        )  # fmt: skip

    # -- values

    def value(self, node: Node) -> Any:
        """The known value of a node in this specialization; None if it is unknown: then it is recorded as requested."""
        known = self.known.value(node)
        if known is None:
            self.asked.append(node)
        return known

    def numbers(self, node: Node) -> Any:
        """`value`, with Python's ints and Dims if it depends on unknown extents."""
        known = self.known.numbers(node)
        if known is None:
            self.asked.append(node)
        return known

    def dims(self, node: Node) -> list[dims.Extent] | None:
        """The known numbers of a shape-arithmetic node; None if they are unknown: then they are recorded as requested."""
        known = super().dims(node)
        if known is None:
            self.asked.append(node)
        return known

    def is_recorded(self, node: Node) -> bool:
        """True if a number was used by a loop and is popped from a list for the loop's gradient."""
        while node.id not in self.recorded and node.kind in ("cast", "reshape", "broadcast"):
            node = node.args[0]
        return node.id in self.recorded

    def host_value(self, function: Any, shape: Sequence[int], dtype: DType) -> Node:
        """A value that the host computes by `function()` before each run of the program."""
        if self.host_input is None or self.depth:
            raise NotLowerable(
                "the host gives no values to this program, or not in a loop or branch"
            )
        return self.host_input(function, shape, dtype)

    def gather(
        self, x: Node, indices: Node, axis: int = 0, batch_dims: int = 0, mode: str = "clamp"
    ) -> Node:
        """x[..., indices, ...] at an axis; see `NodeMaker.gather`."""
        self._expect_bad_indices(mode)
        return super().gather(x, indices, axis, batch_dims, mode)

    def scatter(
        self,
        x: Node,
        indices: Node,
        updates: Node,
        op: str = "add",
        mode: str = "drop",
        unique: bool = False,
    ) -> Node:
        """x with updates combined at index vectors of its leading axes; see `NodeMaker.scatter`."""
        self._expect_bad_indices(mode)
        return super().scatter(x, indices, updates, op, mode, unique)

    # -- other processes

    def exchange(self, packs: Sequence[Node], unit: ExchangeUnit, size: int) -> list[Node]:
        """The results of an exchange of each pack with other processes, which send packs of the same type and shape.

        Args:
          packs: arrays.
          unit: the operation on them, and its processes.
          size: number of processes that take part.

        Raises:
          NotLowerable: within a loop or branch, where the number of exchanges is not known.
        """
        if self.depth or not packs:
            raise NotLowerable("an exchange inside of a loop or branch, or of nothing")
        started: list[Node] = []
        # Numbers go on where the exchange before ended.
        first = self.exchanges[-1].attrs["last"] + 1 if self.exchanges else 0
        for number, pack in enumerate(packs, first):
            before = started[-1:] or [wait.args[0] for wait in self.exchanges[-1:]]
            attrs = {"unit": unit, "number": number, "last": first + len(packs), "size": size}
            started.append(self.make("exchange_start", (pack, *before), **attrs))
        waits = [
            self.make("exchange_wait", (start, pack), **start.attrs)
            for start, pack in zip(started, packs, strict=True)
        ]
        self.exchanges += waits
        return waits

    # -- checks

    def _expect_bad_indices(self, mode: str) -> None:
        """Keeps the arguments of the operation being lowered, so that its kernel can report the invalid index."""
        if mode == "error" and not self.depth and self.origin is not None:
            if all(type(argument) is Node for argument in self.arguments):
                self.assertions[self.origin] = Refusal(
                    self.origin, self.with_values(self.arguments)
                )

    def check(
        self,
        condition: Node,
        message: str,
        args: Sequence[Any] | None = None,
        origin: Any = None,
    ) -> None:
        """Makes the program raise InvalidArgumentError(message) unless the scalar `condition` holds.

        If possible the error is that of the operation's kernel for its arguments, or for `args` if given.
        Inside a loop or branch the condition is collected (`collected`) for the enclosing node, with the operation
        that created it as `origin`.
        """
        condition = self.broadcast_to(condition, ())
        origin = origin or self.origin
        if not self.depth:
            args = self.arguments if args is None else args
            key = message
            if message not in self.assertions and _is_repeatable(self.origin, args):
                # Operations with other arguments may check with the same text: the number keeps their refusals apart.
                key = f"{message} [{len(self.assertions)}]"
                # A loop or branch is run again whole, so that all its arguments matter.
                matters = None if self.origin.raw_op.flow.runs_functions else condition
                args = self.with_values(args)
                self.assertions[key] = Refusal(self.origin, args, matters, message)
            self.checks.append(Check(condition, key, origin))
            return
        if self.inner_checks is None:
            raise NotLowerable("a check inside of a loop or branch")
        inner = InnerCheck(message, origin)
        # One condition for all checks of an operation with this text: they raise the same error.
        earlier = self.inner_checks.get(inner)
        self.inner_checks[inner] = condition if earlier is None else self.and_(earlier, condition)

    def with_values(self, args: Sequence[Any]) -> list[Any]:
        """Arguments with the present values of variables among them."""
        return [
            HeldVariable(arg, self.read_variable(arg))
            if isinstance(arg, Node) and "variable" in arg.attrs
            else arg
            for arg in args
        ]

    @contextlib.contextmanager
    def collected(self) -> Iterator[dict[InnerCheck, Node]]:
        """The conditions of the checks made within: they have to hold, but nothing looks yet."""
        outer, self.inner_checks = self.inner_checks, {}
        try:
            yield self.inner_checks
        finally:
            self.inner_checks = outer

    # -- variables

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
        """Undoes updates of variables, checks and exchanges within if it ends in an exception."""
        # Checks and exchanges are only appended, so that their numbers suffice to undo them.
        before = dict(self.variables), dict(self.written), len(self.checks)
        exchanged = len(self.exchanges)
        try:
            yield
        except Exception:
            self.variables, self.written = before[:2]
            del self.checks[before[2] :]
            del self.exchanges[exchanged:]
            raise
