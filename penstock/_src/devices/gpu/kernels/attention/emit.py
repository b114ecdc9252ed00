"""The kernels of an attention on a GPU."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.attention.code import AttentionCode, AttentionStage
from penstock._src.compiler.codegen.attention.emit import form_of
from penstock._src.compiler.codegen.attention.form import BACKWARD, FORWARD, Form
from penstock._src.compiler.codegen.attention.operands import arrays_of
from penstock._src.compiler.codegen.kernel_code import PLAIN
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.devices.gpu.kernels.attention.backward import write_keys, write_queries
from penstock._src.devices.gpu.kernels.attention.forward import write_forward
from penstock._src.devices.gpu.kernels.attention.plain import PlainTiles
from penstock._src.devices.gpu.kernels.attention.shapes import BYTES, CudaLayout, Shape, shape_of
from penstock._src.devices.gpu.kernels.attention.tensor_cores import TensorTiles
from penstock._src.devices.gpu.kernels.attention.tiles import KEYS, QUERIES
from penstock._src.devices.gpu.kernels.contractions.epilogue import CudaEpilogue
from penstock._src.devices.gpu.kernels.language import CudaModule
from penstock._src.devices.gpu.kernels.tasks import checked
from penstock._src.native import Target
from penstock._src.native.code import emitter_of
from penstock._src.native.language.types import SIZE

READ = ("query", "key", "value", "seed")


def key_of(attention: Attention, backward: bool, target: Target) -> tuple[Form, int]:
    """A key of everything on which the code depends, except epilogues: a form, and the number of neighbors that are moved together."""
    # Both concern the L1 of CPUs: here they would only make further kernels.
    form = replace(form_of(attention, backward, target), apart=(), pairs=False)
    arrays = [x for name, x in arrays_of(attention).items() if name in READ]
    steps = [step for x in arrays for step in (x.base, x.cross, *x.batch)]
    # A vector may be moved at once if rows and steps are multiples of it.
    together = math.gcd(form.depth, form.width, *steps)
    most = BYTES // max(SIZE[e] for e in form.elements)
    return form, math.gcd(together, most)


def shapes_of(form: Form, vector: int, backward: bool, target: Target) -> dict[str, Shape] | None:
    """The shape of the tiles of each of an attention's kernels; None if rows are too wide for shared memory."""
    shapes = {}
    for direction in ("queries", "keys") if backward else ("forward",):
        shape = shape_of(form, direction, vector, target)
        if shape is None:
            return None
        shapes[direction] = shape
    return shapes


def emit_cuda_attention(
    form: Form, shapes: dict[str, Shape], epilogues: Sequence[EpilogueExpression | None], target: Target
) -> AttentionCode:  # fmt: skip
    """The kernels with tiles of these shapes."""
    layout = CudaLayout(form, target, BACKWARD if "keys" in shapes else FORWARD)
    stages, extents = [], []
    for direction, shape in shapes.items():
        hooks: list[Any] = [PLAIN if e is None else CudaEpilogue(e) for e in epilogues]
        extents = [hook.extents for hook in hooks]
        first = epilogues[0]
        operands = 0 if first is None else len(first.slots) - 1 + len(extents[0])
        stages.append(_stage(direction, form, layout, shape, hooks, operands, target))
    return AttentionCode(tuple(stages), layout, extents)


def _stage(
    direction: str, form: Form, layout: CudaLayout, shape: Shape, hooks: list[Any], operands: int, target: Target
) -> AttentionStage:  # fmt: skip
    owner = KEYS if direction == "keys" else QUERIES
    m = CudaModule(target, shape.threads)
    with m.kernel() as f:
        way = TensorTiles if shape.by_tensor_cores else PlainTiles
        of = way(f, form, layout, shape, owner)
        if direction == "forward":
            write = partial(write_forward, of, hooks[0])
        elif direction == "queries":
            write = partial(write_queries, of, hooks[0], hooks[1], operands)
        else:
            write = partial(write_keys, of, hooks[0], hooks[1], operands)
        write()
    code = replace(checked(m.finished()), emitter=emitter_of(write))
    return AttentionStage(code, "task", shape.owned, owner == KEYS)
