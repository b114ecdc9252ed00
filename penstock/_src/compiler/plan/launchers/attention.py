"""Launches of attention: the arguments of its kernels, and the division of its rows into tasks."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.attention.form import ROWS
from penstock._src.compiler.codegen.attention.operands import arrays_of, batch_of
from penstock._src.compiler.codegen.kernel_code import round_up
from penstock._src.compiler.fusion.attention import AttentionKernel
from penstock._src.compiler.kernels.attention import COLUMN, ROW, Attention
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.ir.extents import dims

LEAST_CHUNK = 256  # rows of a task; not fewer, as each task packs all keys


def launch_attention(builder: PlanBuilder, kernel: AttentionKernel) -> None:
    """Adds the launch of a forward or backward kernel."""
    attention, backward = kernel.attention, kernel.backward
    code = builder.generator.attention(attention, backward, kernel.epilogues)
    layout = code.layout
    extent_of = dict(zip(attention.letters, attention.scores.shape, strict=True))
    rows, columns = dims.settled(extent_of[ROW]), dims.settled(extent_of[COLUMN])
    batches = [dims.settled(extent_of[c]) for c in batch_of(attention)]
    count = dims.product(batches)
    pointers = _pointers(builder, attention, backward)
    scratch = layout.scratch_of_launch(rows, columns, count, builder.threads)
    pointers["scratch"] = builder.temporary("scratch", scratch)
    operands: list[Any] = []
    for epilogue, expressions in zip(kernel.epilogues, code.extents, strict=True):
        if epilogue is not None:
            operands += [builder.used(n) for n in epilogue.slots[1:]]
            operands += [builder.extent(e) for e in expressions]
    arrays = {a: x for a, x in arrays_of(attention).items() if a in layout.arrays}
    builder.algorithms.add(kernel.label)
    reads, writes = (
        [builder.buffer(n) for n in nodes] for nodes in (kernel.inputs, kernel.outputs)
    )
    builder.note(kernel, reads, writes)
    for stage in code.stages:
        if stage.per is not None:
            per, chunks = stage.per, -(-(columns if stage.by_columns else rows) // stage.per)
        else:
            # Backward, a task sums dQ over all columns of its batch: rows are not divided.
            per, chunks = (rows, 1) if backward else _chunks(rows, batches, builder.threads)
        words = layout.context(
            pointers,
            arrays,
            batches,
            rows,
            columns,
            per=per,
            chunks=chunks,
            reach=attention.reach or 0,
        )
        tasks = count * chunks if rows and columns else 0
        builder.add(stage.code, stage.function, tasks, [*words, *operands], lambda: kernel.label)


def _chunks(rows: int, batches: Sequence[int], threads: int) -> tuple[int, int]:
    """(rows of a task, tasks of a batch): about four tasks for each thread, each of at least LEAST_CHUNK rows."""
    count = dims.maximum(1, dims.product(batches))
    wanted = 1 if threads == 1 else dims.ceil_divide(4 * threads, count)
    per = round_up(dims.maximum(LEAST_CHUNK, dims.ceil_divide(rows, wanted)), ROWS)
    return per, dims.maximum(1, dims.ceil_divide(rows, per))


def _pointers(builder: PlanBuilder, attention: Attention, backward: bool) -> dict[str, Any]:
    """The buffers of all operands; 0 for the rows' maxima and totals if no gradient reads them."""
    nodes = {
        "query": attention.query.source, "key": attention.key.source, "value": attention.value.source,
        "output": attention.output,
    }  # fmt: skip
    gradient = attention.gradient
    if gradient is not None:
        nodes |= {"maximum": attention.maximum, "total": attention.total}
    if gradient is not None and backward:
        nodes |= {
            "seed": gradient.seed.source, "query_gradient": gradient.query, "key_gradient": gradient.key,
            "value_gradient": gradient.value,
        }  # fmt: skip
    return {"maximum": 0, "total": 0} | {name: builder.used(n) for name, n in nodes.items()}
