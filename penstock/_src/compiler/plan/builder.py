"""PlanBuilder: a plan under construction, to which the launchers of kernels add buffers and records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from penstock._src.compiler.codegen.generator import Generator
from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.kernel import Kernel, SpecialKernel
from penstock._src.compiler.kernels.memory import bytes_of, home, in_memory_already
from penstock._src.compiler.plan.buffers import Buffer, StreamTimes
from penstock._src.compiler.plan.in_place import Lifetimes
from penstock._src.compiler.plan.launch_table import (
    STATUS,
    Jump,
    Label,
    Launch,
    LaunchLabel,
    Record,
)
from penstock._src.compiler.plan.plan import CheckFailed, ExchangeFailed, OutOfBounds
from penstock._src.compiler.plan.prepacked import PrepackedWeights
from penstock._src.compiler.plan.verify.order import MemoryTrace
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import current
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.native import Code, Target
from penstock._src.native.runner import STATUS_WORDS
from penstock._src.util.dataclass import dataclass

Launcher = Callable[["PlanBuilder", Any], None]


@dataclass(eq=False)
class PlanBuilder:
    """A plan under construction.

    launchers   functions that add the launches of a kernel, by its class, or by the kind of a special kernel's node
    schedule    the current kernels: those of the function, or of one nested in it
    lifetimes   of their temporaries
    nodes       the nodes that the current kernel stores
    numbers     indices of parameters, by id
    assigned    indices of the variables that the function assigns
    changing    these, and the variables that other functions assign between calls of this one, where nobody would pack weights anew
    buffers     of nodes, by id
    known       every buffer of the program
    tasks       counts of tasks of contractions with partial sums, by the kernel's identity
    errors      by error code - 1
    trace       the kernels' reads and writes, if they are to be verified
    updates     True if the next launch updates a variable
    is_held     True if the run cannot be interrupted here: an earlier launch has updated variables
    written     indices of the variables that have their new values here
    loop_weights  packed weights of contractions in the current loops, packed before them, by the kernel's identity
    exchanging  numbers of the exchanges that have begun and were not waited for
    overlaps_streams   True if the device runs streams side by side
    stream      the current stream, counted from 1; 0 where nothing runs side by side
    stream_times  times of streams, by section
    """

    function: Function
    generator: Generator
    threads: int
    launchers: Mapping[Any, Launcher]
    schedule: Schedule
    lifetimes: Lifetimes
    numbers: Mapping[int, int]
    assigned: frozenset[int]
    changing: frozenset[int]
    trace: MemoryTrace | None
    time: int = 0
    nodes: Sequence[Node] = ()
    updates: bool = False
    is_held: bool = False
    written: frozenset[int] = frozenset()
    exchanging: set[int] = field(default_factory=set)
    overlaps_streams: bool = False
    stream: int = 0
    stream_times: list[StreamTimes] = field(default_factory=list)
    launches: list[Record] = field(default_factory=list)
    buffers: dict[int, Buffer] = field(default_factory=dict)
    known: list[Buffer] = field(default_factory=list)
    # by the key of the packed form and the variable's number
    prepacked: dict[tuple[Any, int], PrepackedWeights] = field(default_factory=dict)
    packed_constants: dict[Any, Buffer] = field(default_factory=dict)
    loop_weights: dict[int, Buffer] = field(default_factory=dict)
    algorithms: set[str] = field(default_factory=set)
    tasks: dict[int, int] = field(default_factory=dict)
    errors: list[OutOfBounds | CheckFailed | ExchangeFailed] = field(default_factory=list)

    @property
    def known_written(self) -> frozenset[int] | None:
        """`written`; None within a loop, or parallel to a stream, that may write further variables."""
        is_inner = self.schedule.function is not self.function or self.stream
        return None if is_inner and self.assigned else self.written

    @property
    def status(self) -> Any:
        """The argument for the status words of the current stream, to which kernels write errors."""
        return (STATUS, 8 * STATUS_WORDS * self.stream) if self.stream else STATUS

    def note_written(self, kernel: Any) -> None:
        """Adds the variables that a kernel has written to `written`."""
        outputs = [self.buffers[n.id] for n in kernel.outputs if n.id in self.buffers]
        self.written |= {b.number for b in outputs if b.place == "variable"}

    @property
    def target(self) -> Target:
        """The target of the generated code."""
        return self.generator.target

    # -- buffers
    def variable(self, handle: Node) -> Buffer:
        """The memory of a variable."""
        buffer = self.buffers.get(handle.id)
        if buffer is None:
            shape, dtype = handle.attrs["variable"]
            size = dims.settled(dims.product((*shape, dtype.size)))
            number = self.numbers[handle.id]
            buffer = self.buffers[handle.id] = Buffer(
                f"variable {number}", size, "variable", number
            )
        return buffer

    def buffer(self, node: Node) -> Buffer:
        """The buffer that holds a node's value."""
        node = home(node)
        if node.kind == "read":
            return self.variable(node.args[0])
        buffer = self.buffers.get(node.id)
        if buffer is None:
            if node.kind == "constant" and in_memory_already(node):
                buffer = Buffer("constant", bytes_of(node), "constant", array=node.attrs["value"])
            else:
                buffer = Buffer(f"{node.kind} %{node.id}", bytes_of(node))
            self.buffers[node.id] = buffer
            self.known.append(buffer)
        return buffer

    def temporary(self, name: str, size: int) -> Buffer:
        """A new buffer for the current kernel only."""
        buffer = Buffer(name, dims.settled(size))
        buffer.touch(self.time)
        self.known.append(buffer)
        return buffer

    def used(self, node: Node) -> Buffer:
        """The buffer of a node, whose live range is extended to the current time."""
        buffer = self.buffer(node)
        buffer.touch(self.time)
        return buffer

    def put_in_place(self, kernel: Kernel, innermost: int | None = None) -> None:
        """Stores outputs without buffers over inputs that this kernel is the last to read."""
        taken: set[int] = set()
        for node in kernel.outputs:
            if node.id in self.buffers or node.kind == "dynamic_update_slice":
                continue
            old = self.lifetimes.replaced(kernel, node, taken, innermost)
            # Inputs of the call, results and variables are not this kernel's to overwrite.
            if old is not None and self.buffer(old).place in ("arena", "inside"):
                taken.add(old.id)
                name = f"{node.kind} %{node.id}"
                within = self.buffer(old)
                within = within.inside or within  # not a chain, which would grow with the program
                buffer = Buffer(name, bytes_of(node), "inside", inside=within)
                self.buffers[node.id] = buffer
                self.known.append(buffer)

    def note(self, kernel: Any, reads: Sequence[Buffer], writes: Sequence[Buffer]) -> None:
        """Records the buffers that a kernel reads and writes, before its launches are added."""
        if self.trace is not None:
            self.trace.add(kernel, reads, writes, (len(self.stream_times), self.stream))
        # From this launch on an interrupt would leave variables half updated.
        if any((b.inside or b).place == "variable" for b in writes):
            self.updates = True

    # -- launches
    def control(self, *records: Jump | Label) -> None:
        """Adds jumps and labels."""
        self.launches += records
        # The next record may be reached on a path that has not updated variables.
        self.is_held = False

    def launch(self, kernel: Kernel) -> None:
        """Adds a kernel's launches."""
        key = kernel.node.kind if isinstance(kernel, SpecialKernel) else type(kernel)
        self.nodes = kernel.outputs
        self.launchers[key](self, kernel)
        # Live ranges count kernels, not launches: all launches of one see the same buffers.
        self.time += 1

    def add(
        self,
        code: Code,
        function: str,
        tasks: int,
        args: Sequence[Any],
        label: LaunchLabel,
        nodes: Sequence[Node] | None = None,
        schedule: str = "",
    ) -> None:
        """Adds a launch, unless it has no tasks. `nodes` are the nodes that it stores or checks, by default those of the current kernel.

        `label` is a function if it names extents, which may have no numbers yet.
        """
        tasks = dims.settled(tasks)
        if dims.is_symbolic(tasks) or tasks:  # a symbolic count that is 0 at run time ends at once
            nodes = self.nodes if nodes is None else nodes
            args = [dims.settled(a) if type(a) is dims.Dim else a for a in args]
            # The run is held once, by the first launch that updates a variable.
            holds = self.updates and not self.is_held
            # Later, its extents would have no numbers any more.
            if not isinstance(label, str) and not current().is_open:
                label = label()
            self.launches.append(
                Launch(
                    code=code,
                    function=function,
                    tasks=tasks,
                    args=args,
                    label=label,
                    nodes=nodes,
                    holds=holds,
                    stream=self.stream,
                    schedule=schedule,
                )
            )
            self.is_held, self.updates = self.is_held or holds, False

    def keep_through(self, start: int, buffers: Sequence[Buffer]) -> None:
        """Extends live ranges of buffers from before a loop, which began at `start` and ends now, to its end: each iteration reads them again."""
        for buffer in buffers:
            buffer.touch(self.time)
        for buffer in self.known:
            # Written before the loop, and read in it: the next round reads it again.
            if buffer.first < start <= buffer.last:
                buffer.touch(self.time)

    def extent(self, expression: Any) -> Any:
        """An extent in this plan: a number, or an expression if the plan is for many extents."""
        return dims.settled(dims.of(expression))
