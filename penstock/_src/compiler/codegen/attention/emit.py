"""The code of an attention's forward or backward kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, group_of
from penstock._src.compiler.codegen.kernel_code import PLAIN
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.native import Code, NamedCode, Target
from penstock._src.native.language.types import OF_NUMPY

from .backward import emit_backward
from .form import BACKWARD, FORWARD, Array, ContextLayout, Form
from .forward import emit_forward
from .operands import arrays_of, batch_of


@dataclass(frozen=True, eq=False)
class AttentionStage:
    """A task function for any lengths.

    per          how many rows of the scores a task takes; None if the launch may say that, or if it is all of them
    by_columns   whether it takes columns instead
    """

    code: Code
    function: str
    per: int | None = None
    by_columns: bool = False


@dataclass(frozen=True, eq=False)
class AttentionCode:
    """Task functions that are launched one after the other, with the same words.

    layout     of their context's words, but those of the epilogues, and of their memory
    extents    for each epilogue, expressions of the Dims that follow its operands in the context
    """

    stages: tuple[AttentionStage, ...]
    layout: ContextLayout
    extents: Sequence[Sequence[Any]]

    @property
    def codes(self) -> list[Code]:
        """The codes of the stages."""
        return [stage.code for stage in self.stages]


def emit_attention(
    form: Form, backward: bool, epilogues: Sequence[EpilogueExpression | None], target: Target
) -> AttentionCode:
    """Writes the kernel, with the epilogues of the scores and, backward, of their gradient."""
    hooks: list[Any] = [PLAIN if e is None else ExpressionEpilogue(e) for e in epilogues]
    extents = [hook.extents for hook in hooks]
    layout = ContextLayout(form, target, BACKWARD if backward else FORWARD)
    if not backward:
        forward = NamedCode(target, partial(emit_forward, form, target, hooks[0]))
        stage = AttentionStage(forward, "forward")
        return AttentionCode((stage,), layout, extents)
    first = epilogues[0]
    operands = 0 if first is None else len(first.slots) - 1 + len(extents[0])
    code = NamedCode(target, partial(emit_backward, form, target, hooks[0], hooks[1], operands))
    return AttentionCode((AttentionStage(code, "backward"),), layout, extents)


def form_of(found: Attention, backward: bool, target: Target) -> Form:
    """What the kernels' code depends on, besides the epilogues."""
    nodes = found.query.source, found.key.source, found.value.source, found.output
    elements = tuple([OF_NUMPY[n.dtype.name] for n in nodes])
    total = OF_NUMPY[found.logits.dtype.name]
    arrays = arrays_of(found)
    turned = tuple([name for name, array in arrays.items() if array.element != 1])
    widths = {"query": found.depth, "key": found.depth, "value": found.width, "seed": found.width}
    apart = tuple([a for a, width in widths.items() if a in arrays and arrays[a].cross != width])
    return Form(
        found.depth, found.width, len(batch_of(found)), elements, total,  # type: ignore[arg-type]
        found.reach is not None, found.gradient is not None and not backward, turned, apart,
        _in_pairs(found, elements, total, [arrays[a] for a in widths if a in arrays], target),
    )  # fmt: skip


def _in_pairs(
    found: Attention, elements: Sequence[str], total: str, arrays: Sequence[Array], target: Target
) -> bool:
    """True if all rows that scores are computed from lie in memory as pairs."""
    steps = [step for x in arrays for step in (x.base, x.cross, *x.batch)]
    return (
        all(group_of((x, x, total), target) == PAIR for x in elements)
        and all(n % PAIR == 0 for n in (found.depth, found.width, *steps))
    )  # fmt: skip
