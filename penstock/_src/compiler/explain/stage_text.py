"""The text of a program at each stage."""

from collections.abc import Callable

from penstock._src.compiler.pipeline import Compiled
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.native import Code, assembly
from penstock._src.util.slots import above


def _launched(compiled: Compiled) -> list[Launch]:
    plan = getattr(compiled.program, "plan", None)
    return [] if plan is None else [x for x in plan.launches if isinstance(x, Launch)]


def _codes(compiled: Compiled) -> list[Code]:
    return list({x.code.key: x.code for x in _launched(compiled)}.values())


def _primitives(compiled: Compiled) -> str:
    return str(compiled.function)


def _stablehlo(compiled: Compiled) -> str:
    return above("stablehlo_text")(compiled.function)


def _launches(compiled: Compiled) -> str:
    return "\n".join(f"{x.tasks:>6} tasks  {x.label}" for x in _launched(compiled))


def _llvm(compiled: Compiled) -> str:
    return "\n\n".join(code.text for code in _codes(compiled))


def _assembly(compiled: Compiled) -> str:
    return "\n\n".join(map(assembly, _codes(compiled)))


# Stage -> function that returns the text of a program. The graph is shown by `Executable.text`.
STAGES: dict[str, Callable[[Compiled], str]] = {
    "primitives": _primitives,
    "stablehlo": _stablehlo,
    "launches": _launches,
    "llvm": _llvm,
    "assembly": _assembly,
}
# TensorFlow's names of stages.
NAMES = {"hlo": "primitives", "optimized_hlo": "primitives"}
