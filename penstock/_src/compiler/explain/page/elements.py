"""The elements of a page, and their relations.

Everything shown has an id: a letter for its kind and a number. Links are pairs of ids, kept in both directions.

    s  a source line      o  an operation      p  a primitive      k  a kernel      h  a step on the host      t  a launch
"""

from dataclasses import field

from penstock._src.compiler.explain.collect import operations_in
from penstock._src.compiler.explain.origins import operations_of
from penstock._src.compiler.explain.records import (
    Explanation,
    HostRecord,
    KernelRecord,
    Launched,
    ProgramRecord,
    SourceLine,
    line_of,
)
from penstock._src.graph.operation import Operation
from penstock._src.ir import printer
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass
class Elements:
    """The elements of a page by their ids, and their links."""

    sources: dict[str, SourceLine] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    primitives: dict[str, tuple[Node, str]] = field(default_factory=dict)
    kernels: dict[str, KernelRecord] = field(default_factory=dict)
    host: dict[str, HostRecord] = field(default_factory=dict)
    launches: dict[str, Launched] = field(default_factory=dict)
    programs: list[tuple[ProgramRecord, list[tuple[str, str]]]] = field(default_factory=list)
    links: dict[str, set[str]] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)  # ids of operations, by identity
    _lines: dict[SourceLine, str] = field(default_factory=dict)

    def link(self, one: str, other: str) -> None:
        """Notes that two elements belong together."""
        self.links.setdefault(one, set()).add(other)
        self.links.setdefault(other, set()).add(one)

    def add_operations(self, operations: tuple[Operation, ...]) -> None:
        """Adds operations that are not there yet, with their lines."""
        for op in operations:
            if id(op) in self._ids:
                continue
            name = self._ids[id(op)] = f"o{len(self.operations)}"
            self.operations[name] = op
            line = line_of(op)
            if line is not None:
                self.link(name, self._source(line))

    def _source(self, line: SourceLine) -> str:
        name = self._lines.setdefault(line, f"s{len(self._lines)}")
        self.sources[name] = line
        return name

    def add_program(self, program: ProgramRecord) -> None:
        """Adds a program's primitives and kernels."""
        self.add_operations(operations_in(program))
        kernels: dict[int, list[str]] = {}  # a node's id -> the kernels that compute it
        for kernel in program.kernels:
            name = f"k{kernel.number}"
            self.kernels[name] = kernel
            for op in (*kernel.operations, *kernel.folded):
                self.link(name, self._ids[id(op)])
            for op in kernel.forward:
                line = line_of(op)
                if line is not None:
                    self.link(name, self._source(line))
            for node in kernel.nodes:
                kernels.setdefault(node.id, []).append(name)
        lines: list[tuple[str, str]] = []
        for shown, text in printer.lines(program.function):
            if shown is None:
                lines.append(("", text))
                continue
            name = f"p{len(self.primitives)}"
            self.primitives[name] = shown, text
            lines.append((name, text))
            for kernel_name in kernels.get(shown.id, ()):
                self.link(name, kernel_name)
            for op in operations_of(shown, program.equal):
                if id(op) in self._ids:
                    self.link(name, self._ids[id(op)])
        self.programs.append((program, lines))

    def add_host(self, record: HostRecord) -> None:
        self.add_operations((record.operation,))
        name = f"h{record.number}"
        self.host[name] = record
        self.link(name, self._ids[id(record.operation)])

    def add_launch(self, piece: Launched) -> None:
        name = f"t{len(self.launches)}"
        self.launches[name] = piece
        self.link(name, f"k{piece.kernel}" if piece.kernel else f"h{piece.host}")

    def id_of(self, op: Operation) -> str | None:
        """The id of an operation that is shown."""
        return self._ids.get(id(op))


def elements_of(known: Explanation) -> Elements:
    """The elements of a page about an executable."""
    elements = Elements()
    for step in known.steps:
        if isinstance(step, ProgramRecord):
            with step.extents:
                elements.add_program(step)
        elif isinstance(step, HostRecord):
            elements.add_host(step)
    if not known.steps:
        elements.add_operations(known.operations)
    for piece in known.timeline or expected_timeline(known):
        elements.add_launch(piece)
    return elements


def expected_timeline(known: Explanation) -> list[Launched]:
    """A timeline estimated from work alone, if nothing was measured: one launch of each kernel."""
    pieces, at = [], 0
    for kernel in known.kernels:
        length = max(kernel.flops // 16, kernel.bytes, 100)
        pieces.append(Launched(kernel.number, 0, kernel.label, at, at + length))
        at += length
    return pieces
