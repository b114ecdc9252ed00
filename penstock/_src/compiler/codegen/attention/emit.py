"""The code of an attention's forward or backward kernel."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, group_of
from penstock._src.compiler.codegen.kernel_code import PLAIN
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.ir.extents.dims import is_one
from penstock._src.native import NamedCode, Target
from penstock._src.native.language.types import OF_NUMPY
from penstock._src.util.lazy import ByName

from .code import AttentionCode, AttentionStage
from .form import BACKWARD, FORWARD, Array, ContextLayout, Form
from .operands import arrays_of, batch_of

# Imported by name: the text of a kernel is written only if its object code is not cached.
_FORWARD = ByName(f"{__package__}.forward", "emit_forward")
_BACKWARD = ByName(f"{__package__}.backward", "emit_backward")
_MATRIX_FORWARD = ByName(f"{__package__}.matrix_forward", "emit_matrix_forward")
_MATRIX_BACKWARD = ByName(f"{__package__}.matrix_backward", "emit_matrix_backward")


def emit_attention(
    form: Form, backward: bool, epilogues: Sequence[EpilogueExpression | None], target: Target
) -> AttentionCode:
    """Writes the kernel, with the epilogues of the scores and, backward, of their gradient."""
    hooks: list[Any] = [PLAIN if e is None else ExpressionEpilogue(e) for e in epilogues]
    extents = [hook.extents for hook in hooks]
    layout = ContextLayout(form, target, BACKWARD if backward else FORWARD)
    if not backward:
        write = _MATRIX_FORWARD if form.matrices else _FORWARD
        forward = NamedCode(target, partial(write, form, target, hooks[0]))
        stage = AttentionStage(forward, "forward")
        return AttentionCode((stage,), layout, extents)
    first = epilogues[0]
    operands = 0 if first is None else len(first.slots) - 1 + len(extents[0])
    write = _MATRIX_BACKWARD if form.matrices else _BACKWARD
    code = NamedCode(target, partial(write, form, target, hooks[0], hooks[1], operands))
    return AttentionCode((AttentionStage(code, "backward"),), layout, extents)


def form_of(attention: Attention, backward: bool, target: Target) -> Form:
    """The form of an attention's kernels: everything on which their code depends, except the epilogues."""
    nodes = attention.query.source, attention.key.source, attention.value.source, attention.output
    elements = tuple([OF_NUMPY[n.dtype.name] for n in nodes])
    total = OF_NUMPY[attention.logits.dtype.name]
    arrays = arrays_of(attention)
    turned = tuple([name for name, array in arrays.items() if not is_one(array.element)])
    widths = {
        "query": attention.depth,
        "key": attention.depth,
        "value": attention.width,
        "seed": attention.width,
    }
    apart = tuple([a for a, width in widths.items() if a in arrays and arrays[a].cross != width])
    # Rows of the output are operands, too, where there is a gradient: those of its seed have their type.
    operands = elements if attention.gradient is not None else elements[:3]
    pairs = _in_pairs(
        attention, operands, total, [arrays[a] for a in widths if a in arrays], target
    )
    return Form(
        attention.depth, attention.width, len(batch_of(attention)), elements, total,  # type: ignore[arg-type]
        attention.reach is not None, attention.gradient is not None and not backward, turned, apart,
        pairs, pairs and target.multiplies_matrices,
    )  # fmt: skip


def _in_pairs(
    attention: Attention,
    elements: Sequence[str],
    total: str,
    arrays: Sequence[Array],
    target: Target,
) -> bool:
    """True if all rows that scores are computed from lie in memory as pairs."""
    # A pair is read as one number of 32 bits, so each row has to begin at an even element.
    steps = [step for x in arrays for step in (x.base, x.cross, *x.batch)]
    return (
        all(group_of((x, x, total), target) == PAIR for x in elements)
        and all(n % PAIR == 0 for n in (attention.depth, attention.width, *steps))
    )  # fmt: skip
