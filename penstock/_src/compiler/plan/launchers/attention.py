"""Launches of attention: the words of its kernels, and how its rows are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.attention.backward import emit_backward
from penstock._src.compiler.codegen.attention.form import (
    BACKWARD,
    FORWARD,
    ROWS,
    Array,
    ContextLayout,
    Form,
)
from penstock._src.compiler.codegen.attention.forward import emit_forward
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR, group_of
from penstock._src.compiler.codegen.kernel_code import PLAIN, round_up
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.fusion.attention import AttentionKernel
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.recognize.attention import (
    COLUMN,
    ELEMENT,
    ROW,
    Attention,
)
from penstock._src.compiler.recognize.contractions.views import View
from penstock._src.ir import dims
from penstock._src.native import Target
from penstock._src.native.language.types import OF_NUMPY

LEAST_CHUNK = 256  # rows of a task: each packs the keys for itself


def launch_attention(builder: PlanBuilder, kernel: AttentionKernel) -> None:
    """Adds the launch of a forward or backward kernel."""
    found, backward = kernel.attention, kernel.backward
    form = form_of(found, backward, builder.target)
    names = BACKWARD if backward else FORWARD
    layout = ContextLayout(form, builder.target, names)
    key = (
        "attention",
        backward,
        form,
        *[epilogue and epilogue.signature() for epilogue in kernel.epilogues],
    )
    code, extents = builder.code(key, lambda target: _write(target, form, kernel))
    extent_of = dict(zip(found.letters, found.scores.shape, strict=True))
    rows, columns = int(extent_of[ROW]), int(extent_of[COLUMN])
    batches = [int(extent_of[c]) for c in _batch(found)]
    per, chunks = (rows, 1) if backward else _chunks(rows, batches, builder.threads)
    pointers = _pointers(builder, found, backward)
    each = layout.scratch(rows, columns)
    pointers["scratch"] = builder.temporary("scratch", each * builder.threads)
    words = layout.context(
        pointers, {a: x for a, x in _arrays(found).items() if a in names}, batches, rows, columns,
        per=per, chunks=chunks, reach=found.reach or 0,
    )  # fmt: skip
    for epilogue, expressions in zip(kernel.epilogues, extents, strict=True):
        if epilogue is not None:
            words += [builder.used(n) for n in epilogue.slots[1:]]
            words += [builder.extent(e) for e in expressions]
    tasks = int(dims.product(batches)) * chunks if rows and columns else 0
    builder.algorithms.add(kernel.label)
    builder.add(code, "backward" if backward else "forward", tasks, words, kernel.label)
    read, made = ([builder.buffer(n) for n in nodes] for nodes in (kernel.inputs, kernel.outputs))
    builder.note(kernel, read, made)


def form_of(found: Attention, backward: bool, target: Target) -> Form:
    """What the kernels' code depends on, besides the epilogues."""
    nodes = found.query.source, found.key.source, found.value.source, found.output
    elements = tuple([OF_NUMPY[n.dtype.name] for n in nodes])
    total = OF_NUMPY[found.logits.dtype.name]
    arrays = _arrays(found)
    turned = tuple([name for name, array in arrays.items() if array.element != 1])
    widths = {"query": found.depth, "key": found.depth, "value": found.width, "seed": found.width}
    apart = tuple([a for a, width in widths.items() if a in arrays and arrays[a].cross != width])
    return Form(
        found.depth, found.width, len(_batch(found)), elements, total,  # type: ignore[arg-type]
        found.reach is not None, found.gradient is not None and not backward, turned, apart,
        _in_pairs(found, elements, total, [arrays[a] for a in widths if a in arrays], target),
    )  # fmt: skip


def _in_pairs(
    found: Attention, elements: Sequence[str], total: str, arrays: Sequence[Array], target: Target
) -> bool:
    """Whether all rows that scores are made of lie in memory as pairs."""
    steps = [step for x in arrays for step in (x.base, x.cross, *x.batch)]
    return (
        all(group_of((x, x, total), target) == PAIR for x in elements)
        and all(n % PAIR == 0 for n in (found.depth, found.width, *steps))
    )  # fmt: skip


def _write(target: Any, form: Form, kernel: AttentionKernel) -> tuple[Any, list[list[Any]]]:
    """(code, the Dims that each epilogue wants)."""
    hooks: list[Any] = [PLAIN if t is None else ExpressionEpilogue(t) for t in kernel.epilogues]
    extents = [getattr(hook, "extents", []) for hook in hooks]
    if not kernel.backward:
        return emit_forward(form, target, hooks[0]), extents
    first = kernel.epilogues[0]
    operands = 0 if first is None else len(first.slots) - 1 + len(extents[0])
    return emit_backward(form, target, hooks[0], hooks[1], operands), extents


def _chunks(rows: int, batches: Sequence[int], threads: int) -> tuple[int, int]:
    """(rows of a task, tasks of a batch): enough tasks to share out, none too small."""
    wanted = 1 if threads == 1 else -(-4 * threads // max(1, int(dims.product(batches))))
    per = round_up(max(LEAST_CHUNK, -(-rows // wanted)), ROWS)
    return per, max(1, -(-rows // per))


def _batch(found: Attention) -> str:
    return found.letters.replace(ROW, "").replace(COLUMN, "")


def _pointers(builder: PlanBuilder, found: Attention, backward: bool) -> dict[str, Any]:
    """The buffers of all operands; what is not stored has none."""
    nodes = {
        "query": found.query.source, "key": found.key.source, "value": found.value.source, "output": found.output,
    }  # fmt: skip
    gradient = found.gradient
    if gradient is not None:
        nodes |= {"maximum": found.maximum, "total": found.total}
    if gradient is not None and backward:
        nodes |= {
            "seed": gradient.seed.source, "query_gradient": gradient.query, "key_gradient": gradient.key,
            "value_gradient": gradient.value,
        }  # fmt: skip
    return {"maximum": 0, "total": 0} | {name: builder.used(n) for name, n in nodes.items()}


def _arrays(found: Attention) -> dict[str, Array]:
    """Where the rows of all operands lie."""
    batch = _batch(found)
    rows = {"query": (found.query, ROW), "key": (found.key, COLUMN), "value": (found.value, COLUMN)}
    made = {"output": (found.output, ROW)}
    gradient = found.gradient
    if gradient is not None:
        rows["seed"] = gradient.seed, ROW
        made |= {
            "query_gradient": (gradient.query, ROW),
            "key_gradient": (gradient.key, COLUMN),
            "value_gradient": (gradient.value, COLUMN),
        }
    arrays = {name: _read(view, cross, batch) for name, (view, cross) in rows.items()}
    for name, (node, cross) in made.items():
        arrays[name] = _stored(found.letters_of[node.id], node.shape, cross, batch)
    letters = found.letters.replace(COLUMN, "")
    arrays["statistics"] = _stored(letters, found.scores.shape[:-1], ROW, batch)
    return arrays


def _read(view: View, cross: str, batch: str) -> Array:
    steps = [int(view.coefficient(letter)) for letter in cross + batch]
    return Array(int(view.base), steps[0], tuple(steps[1:]))


def _stored(letters: str, shape: Sequence[int], cross: str, batch: str) -> Array:
    """An array in memory of its own, axis i of which is letters[i]."""
    steps, step = {}, 1
    for letter, extent in zip(reversed(letters), reversed(shape), strict=True):
        steps[letter] = step
        step *= int(extent)
    return Array(0, steps[cross], tuple([steps[c] for c in batch]), steps.get(ELEMENT, 1))
