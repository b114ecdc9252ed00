"""The report of an Executable: operations, primitives, kernels, and what stayed on the host and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.blocks.steps import BlockStep, HostStep, ProgramStep
from penstock._src.compiler.stages import Compiled
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

if TYPE_CHECKING:
    from penstock._src.compiler.executable import Executable

WIDTH = 100
MOST_KERNELS = 40  # lines


def explain(executable: Executable) -> str:
    """The report of all specializations made so far. Call the executable first: nothing is lowered before."""
    types = Counter(op.type for op in executable.ops)
    lines = [
        f"{executable.name}({_types(executable.inputs)}) -> ({_types(executable.outputs)})",
        f"graph        {len(executable.ops)} ops       {_counted(types)}",
    ]
    made = list(executable.specializations())
    if not made:
        lines.append("programs     none yet: the function was not called")
    for specialization in made:
        for step in specialization.steps:
            lines += _step(step)
    return "\n".join(lines)


def _step(step: Any) -> list[str]:
    if isinstance(step, HostStep):
        return [f"host         {step.op.type} '{step.op.name}': {step.why}"]
    if isinstance(step, BlockStep):
        waits = [f"  waits      '{name}': {why}" for name, why in step.reasons.items()]
        return [f"then         {len(step.block.ops)} ops, once what they wait for is there", *waits]
    return _program(step) if isinstance(step, ProgramStep) else []


def _program(step: ProgramStep) -> list[str]:
    function, compiled = step.compiled.function, step.compiled
    nodes = [n for f in function.functions() for n in f.nodes()]
    kinds = Counter(_kind(n) for n in nodes if n.kind not in ("parameter", "item"))
    flops, moved = cost(function)
    lines = [
        f"program      {_types(function.parameters)}",
        f"primitives   {len(nodes)} nodes    {_counted(kinds)}",
        f"work         {_units(flops, 'FLOP')}, at least {_units(moved, 'B')} of arguments and results",
    ]
    if compiled.why_interpreted:
        lines.append(f"INTERPRETED  {compiled.why_interpreted}")
    lines += _kernels(compiled.program)
    times = ", ".join(
        f"{name} {seconds * 1e3:.1f} ms" for name, seconds in compiled.seconds.items()
    )
    lines.append(f"compiled     {times}")
    return lines


def _kernels(program: Any) -> list[str]:
    """The launches of a native program, equal ones counted together, and its memory."""
    plan = getattr(program, "plan", None)
    if plan is None:
        return []
    counts = Counter(launch.label for launch in plan.launches if hasattr(launch, "label"))
    lines = [f"kernels      {len(plan.codes)} distinct, {len(plan.launches)} launches"]
    lines += [f"  {n:>4} x  {label}" for label, n in counts.most_common(MOST_KERNELS)]
    if len(counts) > MOST_KERNELS:
        lines.append(f"          and {len(counts) - MOST_KERNELS} more")
    lines.append(f"memory       temporaries in {_units(plan.arena_bytes, 'B')}")
    return lines


def _primitives(compiled: Compiled) -> str:
    return str(compiled.function)


def _launches(compiled: Compiled) -> str:
    plan = getattr(compiled.program, "plan", None)
    lines = (
        []
        if plan is None
        else [f"{x.tasks:>6} tasks  {x.label}" for x in plan.launches if hasattr(x, "label")]
    )
    return "\n".join(lines)


def _llvm(compiled: Compiled) -> str:
    plan = getattr(compiled.program, "plan", None)
    codes = (
        {} if plan is None else {x.code.key: x.code for x in plan.launches if hasattr(x, "code")}
    )
    return "\n\n".join(code.text for code in codes.values())


# What `Executable.text` can show of a program; "graph" is shown by the Executable itself.
TEXTS: dict[str, Callable[[Compiled], str]] = {
    "primitives": _primitives,
    "hlo": _primitives,
    "launches": _launches,
    "llvm": _llvm,
    "graph": _primitives,
}


def cost(function: Function) -> tuple[int, int]:
    """Floating point operations of a function (a loop's body counted once a trip if its trips are known), and the bytes
    of its parameters and results."""
    flops = 0
    for node in function.nodes():
        if node.kind == "contract":
            extents = dict(
                zip(
                    node.attrs["spec"].split("->")[0].replace(",", ""),
                    (*node.args[0].shape, *node.args[1].shape),
                )
            )
            work = 2
            for extent in extents.values():
                work *= int(extent)
            flops += work
        elif node.kind in ("unary", "binary", "compare", "select"):
            flops += int(node.size)
        elif node.kind in ("reduce", "scan"):
            flops += int(node.args[0].size)
        elif node.kind == "while":
            flops += cost(node.attrs["body"])[0] * int(node.attrs.get("max_trips", 1))
        elif node.kind == "case":
            flops += max(cost(b)[0] for b in node.attrs["branches"])
    moved = sum(_bytes(n) for n in (*function.parameters, *function.results))
    moved += sum(2 * _bytes(value) for _, value in function.updates)
    return flops, moved


def _bytes(node: Node) -> int:
    return 0 if "variable" in node.attrs else int(node.size) * node.dtype.size


def _kind(node: Node) -> str:
    return node.op if node.kind in ("unary", "binary", "compare") else node.kind


def _types(values: Any) -> str:
    return ", ".join(f"{v.dtype.name}{_extents(v.shape)}" for v in values)


def _extents(shape: Any) -> str:
    dims = shape._dims if hasattr(shape, "_dims") else shape
    return (
        "[?]"
        if dims is None
        else "[" + ",".join("None" if d is None else str(d) for d in dims) + "]"
    )


def _counted(counts: Counter) -> str:
    text = "  ".join(f"{name} {n}" if n > 1 else name for name, n in counts.most_common())
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _units(amount: float, unit: str) -> str:
    for prefix in ("", "k", "M", "G", "T"):
        if amount < 1000:
            return f"{amount:.3g} {prefix}{unit}"
        amount /= 1000
    return f"{amount:.3g} P{unit}"
