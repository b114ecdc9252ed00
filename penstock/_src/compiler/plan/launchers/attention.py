"""Launches of attention: the words of its kernels, and how its rows are shared out."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.attention.form import ROWS
from penstock._src.compiler.codegen.attention.operands import arrays_of, batch_of
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.compiler.fusion.attention import AttentionKernel
from penstock._src.compiler.kernels.attention import COLUMN, ROW, Attention
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.ir.extents import dims

LEAST_CHUNK = 256  # rows of a task: each packs the keys for itself


def launch_attention(builder: PlanBuilder, kernel: AttentionKernel) -> None:
    """Adds the launch of a forward or backward kernel."""
    found, backward = kernel.attention, kernel.backward
    code = builder.generator.attention(found, backward, kernel.epilogues)
    layout = code.layout
    extent_of = dict(zip(found.letters, found.scores.shape, strict=True))
    rows, columns = dims.settled(extent_of[ROW]), dims.settled(extent_of[COLUMN])
    batches = [dims.settled(extent_of[c]) for c in batch_of(found)]
    count = dims.product(batches)
    pointers = _pointers(builder, found, backward)
    scratch = layout.scratch_of_launch(rows, columns, count, builder.threads)
    pointers["scratch"] = builder.temporary("scratch", scratch)
    operands: list[Any] = []
    for epilogue, expressions in zip(kernel.epilogues, code.extents, strict=True):
        if epilogue is not None:
            operands += [builder.used(n) for n in epilogue.slots[1:]]
            operands += [builder.extent(e) for e in expressions]
    arrays = {a: x for a, x in arrays_of(found).items() if a in layout.arrays}
    builder.algorithms.add(kernel.label)
    read, made = ([builder.buffer(n) for n in nodes] for nodes in (kernel.inputs, kernel.outputs))
    builder.note(kernel, read, made)
    for stage in code.stages:
        if stage.per is not None:
            per, chunks = stage.per, -(-(columns if stage.by_columns else rows) // stage.per)
        else:
            per, chunks = (rows, 1) if backward else _chunks(rows, batches, builder.threads)
        words = layout.context(
            pointers, arrays, batches, rows, columns, per=per, chunks=chunks, reach=found.reach or 0
        )
        tasks = count * chunks if rows and columns else 0
        builder.add(stage.code, stage.function, tasks, [*words, *operands], lambda: kernel.label)


def _chunks(rows: int, batches: Sequence[int], threads: int) -> tuple[int, int]:
    """(rows of a task, tasks of a batch): enough tasks to share out, none too small."""
    count = dims.maximum(1, dims.product(batches))
    wanted = 1 if threads == 1 else dims.ceil_divide(4 * threads, count)
    per = round_up(dims.maximum(LEAST_CHUNK, dims.ceil_divide(rows, wanted)), ROWS)
    return per, dims.maximum(1, dims.ceil_divide(rows, per))


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
