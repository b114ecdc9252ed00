"""The records of a compiled function: source lines, programs, their kernels, and operations on the host."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from penstock._src.graph.operation import Operation
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.locations import source_line


@dataclass(frozen=True, order=True)
class SourceLine:
    """A line of the user's program."""

    file: str
    line: int

    @property
    def place(self) -> str:
        """The file without its folders, and the line: "model.py:12"."""
        return f"{os.path.basename(self.file)}:{self.line}"

    @property
    def text(self) -> str:
        """The line as in the file; empty if that cannot be read."""
        return source_line(self.file, self.line).rstrip()

    @property
    def code(self) -> str:
        """The text without indentation."""
        return self.text.strip()


def line_of(op: Operation) -> SourceLine | None:
    """The user's line that made an operation, if that is known."""
    return SourceLine(op.location.file, op.location.line) if op.location else None


def _lines(operations: Iterable[Operation]) -> tuple[SourceLine, ...]:
    return tuple(dict.fromkeys(filter(None, map(line_of, operations))))


@dataclass(frozen=True)
class Stored:
    """An array that a kernel leaves in memory. `role`: "temporary", "result 0", "new value of argument 2"."""

    node: Node
    role: str


@dataclass(frozen=True, eq=False)
class KernelRecord:
    """One kernel of a program.

    number       counts from 1 through the executable
    label        the planner's name for it
    emitter      the file that writes its code: "compiler/codegen/nests/nest.py"
    schedule     schedule of a contraction: "gemm 8x48"; empty for other kernels
    computes     the primitives in it that compute something, in order
    nodes        the primitives in it, arguments first
    operations   the operations whose values it computes, in the graph's order
    forward      the operations that its gradient operations differentiate
    folded       operations without nodes of their own that it absorbs: reshapes, transposes, constants
    stored       nodes that it stores
    read         nodes that it loads
    flops, bytes  least work of one launch: floating point operations, bytes read and written
    tasks        number of tasks
    records      numbers of its launches among the records of the launch table
    rounds       the largest number of launches in a call; None if it depends on data
    stream       its stream, counted from 1; 0 for a kernel that runs alone
    seconds      measured in a call, all its launches together
    """

    number: int
    label: str
    emitter: str
    schedule: str
    computes: str
    nodes: tuple[Node, ...]
    operations: tuple[Operation, ...]
    forward: tuple[Operation, ...]
    folded: tuple[Operation, ...]
    stored: tuple[Stored, ...]
    read: tuple[Node, ...]
    flops: int
    bytes: int
    tasks: int
    records: tuple[int, ...]
    rounds: int | None = 1
    stream: int = 0
    seconds: float | None = None

    @property
    def lines(self) -> tuple[SourceLine, ...]:
        """The user's lines whose values it computes, then those that it absorbs; each once."""
        return _lines((*self.operations, *self.folded))

    @property
    def scopes(self) -> tuple[str, ...]:
        """The name scopes of its operations, and of the operations that they differentiate: the layers of a Keras model."""
        names = [op.name.rpartition("/")[0] for op in (*self.operations, *self.forward)]
        return tuple(dict.fromkeys(filter(None, names)))

    @property
    def forward_lines(self) -> tuple[SourceLine, ...]:
        """Further lines: those whose gradients it computes."""
        return tuple(line for line in _lines(self.forward) if line not in self.lines)


@dataclass(frozen=True, eq=False)
class ProgramRecord:
    """A native program: `function` has its primitives, `operations` those that were lowered to them."""

    function: Function
    compiled: Any
    operations: tuple[Operation, ...]
    kernels: tuple[KernelRecord, ...]
    equal: dict[int, tuple[Operation, ...]]  # a node's id -> further operations that have its value
    extents: Values  # the numbers of unknown extents; sums of tasks as if there were one


@dataclass(frozen=True, eq=False)
class HostRecord:
    """An operation that runs on the host, and why. `number` counts from 1 through the executable."""

    number: int
    operation: Operation
    why: str
    seconds: float | None = None

    @property
    def calls(self) -> bool:
        """True if the operation calls functions: its time includes the time of their kernels and operations."""
        return self.operation.raw_op.flow.runs_functions


@dataclass(frozen=True, eq=False)
class CalledRecord:
    """A separator: the following records belong to a function that an operation on the host calls."""

    caller: Operation
    name: str


@dataclass(frozen=True, eq=False)
class WaitingRecord:
    """Operations that wait for a value from the host: `reasons` by the name of the operation that needs one."""

    operations: tuple[Operation, ...]
    reasons: dict[str, str]


@dataclass(frozen=True)
class Launched:
    """A piece of a timeline: a kernel or an operation on the host, by its number (the other is 0), and when it ran, in
    nanoseconds."""

    kernel: int
    host: int
    name: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Explanation:
    """All that is known of an Executable, in the order in which it runs."""

    name: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    operations: tuple[Operation, ...]
    steps: tuple[ProgramRecord | HostRecord | WaitingRecord | CalledRecord, ...]
    timeline: tuple[Launched, ...] = ()
    limits: Any = None  # the limits of this machine (limits.py), if times were measured
    notes: tuple[str, ...] = ()  # further notes, a line each

    @property
    def kernels(self) -> tuple[KernelRecord, ...]:
        """The kernels of all programs."""
        return tuple(k for s in self.steps if isinstance(s, ProgramRecord) for k in s.kernels)
