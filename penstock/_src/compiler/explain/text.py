"""An Explanation as text."""

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from penstock._src.compiler.explain.costs import bytes_of, cost
from penstock._src.compiler.explain.records import (
    CalledRecord,
    Explanation,
    HostRecord,
    KernelRecord,
    ProgramRecord,
    WaitingRecord,
    line_of,
)
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.guards import text as conditions_text
from penstock._src.ir.node import Node, type_text

WIDTH = 100
MOST_KERNELS = 40  # most kernels of a program that are listed one by one
MOST_EQUAL = 4  # arguments of one type that are listed one by one
MOST_LINES = 8  # most lines of the user's program for a kernel


def text_of(known: Explanation) -> str:
    types = Counter(op.type for op in known.operations)
    lines = [
        f"{known.name}({_types(known.inputs)}) -> ({_types(known.outputs)})",
        f"graph        {len(known.operations)} ops       {_counted(types)}",
    ]
    lines += [f"note         {note}" for note in known.notes]
    if known.limits is not None:
        lines.append(f"machine      {known.limits}")
    if not known.steps:
        lines.append("programs     none yet: the function was not called")
    total = total_seconds(known)
    for step in known.steps:
        if isinstance(step, HostRecord):
            lines += _host(step, total)
        elif isinstance(step, WaitingRecord):
            lines += _waiting(step)
        elif isinstance(step, CalledRecord):
            lines.append(f"function     {step.name}, called by '{step.caller.name}'")
        else:
            with step.extents:
                lines += _program(step, known, total)
    return "\n".join(lines)


def total_seconds(known: Explanation) -> float:
    """The seconds of everything that was measured."""
    host = [s for s in known.steps if isinstance(s, HostRecord) and not s.calls]
    return sum(s.seconds or 0.0 for s in host) + sum(k.seconds or 0.0 for k in known.kernels)


def _host(step: HostRecord, total: float) -> list[str]:
    op, line = step.operation, line_of(step.operation)
    time = ""
    if step.seconds is not None:
        time = f"  {duration(step.seconds) if step.calls else _time(step.seconds, total)}"
    lines = [f"host         {op.type} '{op.name}': {step.why}{time}"]
    return lines if line is None else [*lines, f"             {line.place}  {line.code}"]


def _waiting(step: WaitingRecord) -> list[str]:
    waits = [f"  waits      '{name}': {why}" for name, why in step.reasons.items()]
    return [f"then         {len(step.operations)} ops, once what they wait for is there", *waits]


def _program(step: ProgramRecord, known: Explanation, total: float) -> list[str]:
    function, compiled = step.function, step.compiled
    nodes = [n for f in function.functions() for n in f.nodes()]
    kinds = Counter(_kind(n) for n in nodes if n.kind not in ("parameter", "item"))
    flops, moved = cost(function)
    lines = [
        f"program      {_types(function.parameters)}",
        f"primitives   {len(nodes)} nodes    {_counted(kinds)}",
        f"work         {units(flops, 'FLOP')}, at least {units(moved, 'B')} of arguments and results",
    ]
    # Set for programs of a plan for many extents.
    shared = getattr(compiled.program, "shared", None)
    decided = [
        compiled.recorded.conditions_text(),
        conditions_text(shared.conditions) if shared else "",
    ]
    if any(decided):
        lines.insert(1, f"extents      {_short(', '.join(filter(None, decided)))}")
    if not step.kernels and set(nodes) <= set(function.parameters):
        return lines[:1]  # it hands its arguments on
    if compiled.why_interpreted:
        lines.append(f"INTERPRETED  {compiled.why_interpreted}")
    lines += _kernels(step, known.limits, total)
    times = ", ".join(
        f"{name} {seconds * 1e3:.1f} ms" for name, seconds in compiled.seconds.items()
    )
    lines.append(f"compiled     {times}")
    return lines


def _kernels(step: ProgramRecord, limits: Any, total: float) -> list[str]:
    """The kernels of a native program in the order of their launches, and its memory."""
    plan = getattr(step.compiled.program, "plan", None)
    if plan is None:
        return []
    lines = [f"kernels      {len(plan.codes)} distinct, {len(plan.launches)} launches"]
    shown = set(_most_important(step.kernels))
    for kernel in step.kernels:
        if kernel in shown:
            lines += kernel_lines(kernel, limits, total)
    rest = [k for k in step.kernels if k not in shown]
    if rest:
        lines.append(f"  and {len(rest)} smaller: {_counted(Counter(k.label for k in rest))}")
    # Set by devices whose host may control loops.
    control = getattr(step.compiled.program, "control", "")
    lines += [f"control      {control}"] if control else []
    lines.append(f"memory       temporaries in {units(plan.arena_bytes, 'B')}")
    return lines


def _most_important(kernels: Iterable[KernelRecord]) -> list[KernelRecord]:
    """Those that take longest: as measured, or else by their work."""

    def weight(kernel: KernelRecord) -> float:
        if kernel.seconds is not None:
            return kernel.seconds
        return (kernel.rounds or 1) * (kernel.flops / 8 + kernel.bytes)

    return sorted(kernels, key=weight, reverse=True)[:MOST_KERNELS]


def kernel_lines(kernel: KernelRecord, limits: Any = None, total: float = 0.0) -> list[str]:
    """A kernel's record in a few lines."""
    tasks = f"{kernel.tasks} task" + "s" * (kernel.tasks != 1)
    rounds = _rounds(kernel) + (f", stream {kernel.stream}" if kernel.stream else "")
    work = f"{units(kernel.flops, 'FLOP')}, {units(kernel.bytes, 'B')}, {tasks}{rounds}"
    lines = [f"  k{kernel.number:<4}      {kernel.label:<36} {work}"]
    if kernel.seconds is not None:
        lines.append(f"             {_speed(kernel, limits, total)}")
    lines.append(f"             computes {_short(kernel.computes)}")
    by = f"{kernel.schedule} ({kernel.emitter})" if kernel.schedule else kernel.emitter
    lines.append(f"             written by {by}")
    shown = [(line, "") for line in kernel.lines] + [
        (line, "gradient of ") for line in kernel.forward_lines
    ]
    for line, relation in shown[:MOST_LINES]:
        lines.append(f"             {line.place:<18} {relation}{line.code}")
    if len(shown) > MOST_LINES:
        lines.append(f"             and {len(shown) - MOST_LINES} more lines")
    if kernel.scopes:
        lines.append(f"             within {_short(', '.join(kernel.scopes))}")
    stored = ", ".join(f"{_array(s.node)} ({s.role})" for s in kernel.stored)
    return [*lines, f"             stores {_short(stored)}"] if stored else lines


def _rounds(kernel: KernelRecord) -> str:
    if kernel.rounds == 1:
        return ""
    return ", in a loop" if kernel.rounds is None else f", up to {kernel.rounds} rounds of a loop"


def _speed(kernel: KernelRecord, limits: Any, total: float) -> str:
    seconds = max(kernel.seconds or 0.0, 1e-9)
    rates = [_time(seconds, total)]
    if kernel.rounds is not None and limits is not None:
        flops, moved = (n * kernel.rounds / seconds for n in (kernel.flops, kernel.bytes))
        rates.append(f"{flops / 1e9:.3g} GF/s ({flops / limits.flops:.0%} of the peak)")
        rates.append(f"{moved / 1e9:.3g} GB/s ({moved / limits.bandwidth:.0%} of memory's)")
    return "  ".join(rates)


def _time(seconds: float, total: float) -> str:
    return f"{duration(seconds)}  {seconds / total if total else 0:.0%}"


def _array(node: Node) -> str:
    return f"{type_text(node)} {units(bytes_of(node), 'B')}"


def _kind(node: Node) -> str:
    return node.op if node.kind in ("unary", "binary", "compare") else node.kind


def _types(values: Any) -> str:
    """Types and shapes; many equal ones that follow each other, such as variables, once."""
    texts = [f"{v.dtype.name}{_extents(v.shape)}" for v in values]
    runs = [(text, len(list(equal))) for text, equal in itertools.groupby(texts)]
    shown = [[f"{n} x {text}"] if n > MOST_EQUAL else [text] * n for text, n in runs]
    return ", ".join(itertools.chain(*shown))


def _extents(shape: Any) -> str:
    extents = shape._dims if hasattr(shape, "_dims") else shape
    if extents is None:
        return "[?]"
    return "[" + ",".join("None" if d is None else dims.shown(d) for d in extents) + "]"


def _counted(counts: Counter) -> str:
    return _short("  ".join(f"{name} {n}" if n > 1 else name for name, n in counts.most_common()))


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def units(amount: float, unit: str) -> str:
    """An amount with a prefix: "41.6 kFLOP"."""
    for prefix in ("", "k", "M", "G", "T"):
        if amount < 1000:
            return f"{amount:.3g} {prefix}{unit}"
        amount /= 1000
    return f"{amount:.3g} P{unit}"


def duration(seconds: float) -> str:
    """A time with its unit: "41.6 us"."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
