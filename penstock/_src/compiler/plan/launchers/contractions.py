"""Launches of contractions: products, convolutions and their gradients, with epilogues and sums on their tiles."""

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import is_static, product
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.kernel_code import KernelCode
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.memory import bytes_of, home, is_splat
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.prepacked import LEAST_BYTES, PackedConstant, PrepackedWeights
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

LEAST_SIZE = 4  # bytes of the type in which products are summed
MANY_ROWS = 256  # a product of at least this number of rows takes 4 % longer if it packs its weights itself (Emerald Rapids)
LARGE_BYTES = 1 << 20  # of weights, at which the memory of a second copy counts


def launch_contraction(builder: PlanBuilder, kernel: ContractKernel) -> None:
    """Adds the launches of a contraction's stages."""
    if not kernel.outputs[0].size:
        _launch_nothing(builder, kernel)
        return
    match = _chosen(builder, kernel)
    sizes = tuple([dims.settled(s) for s in match.sizes])
    code = builder.generator.contraction(match, kernel.epilogue, builder.threads)
    packed = builder.loop_weights.get(id(kernel)) or _packed_constant(builder, match, code, sizes)
    if packed is not None:
        packed.touch(builder.time)
    arrays = builder.used(match.left), packed or builder.used(match.right)
    left, right = (_from(match, arrays, side) for side in (0, 1))
    partials: Any = 0
    if kernel.partial is not None:
        partials = _partials(builder, kernel, kernel.partial, code, sizes)
    # Before the output gets a buffer: it may take that of an input.
    if code.in_place:
        builder.put_in_place(kernel)
    output = builder.used(kernel.outputs[0])
    operands = [
        *[builder.used(n) for n in kernel.operands],
        *[builder.extent(e) for e in code.extents],
    ]
    builder.algorithms.add(code.label)
    scratch = builder.temporary("scratch", code.scratch(sizes))
    sources = [*arrays, *[builder.buffer(n) for n in kernel.operands]]
    builder.note(kernel, sources, [output, scratch, *([partials] if partials else [])])
    if packed is not None:
        right = packed
    elif code.prepacked_bytes:
        right = _prepacked(builder, match, arrays[1], code, sizes)

    def in_scratch(offset: int) -> tuple[Buffer, int]:
        return scratch, offset

    for stage in code.stages(sizes):
        if not stage.prepacks:
            words = code.context(stage, left, right, output, partials, in_scratch, sizes, operands)
            builder.add(
                code.code,
                stage.function,
                stage.tasks(sizes),
                words,
                functools.partial(_label, kernel, code.by),
                schedule=code.label,
            )


def _label(kernel: ContractKernel, by: str) -> str:
    return f"{kernel.label} by {by}" if by else kernel.label


def _from(match: Match, arrays: Sequence[Buffer], side: int) -> Buffer | tuple[Buffer, int]:
    """The address of an operand's first element: its array, with an offset if it starts inside of it."""
    start = match.starts[side] * (match.left, match.right)[side].dtype.size
    return (arrays[side], start) if start else arrays[side]


def _launch_nothing(builder: PlanBuilder, kernel: ContractKernel) -> None:
    """Adds the buffers of a contraction without elements, which needs no launch: no task sums anything."""
    writes = [builder.used(kernel.outputs[0])]
    if kernel.partial is not None:
        writes.append(_partials_of(builder, kernel, kernel.partial, 0, 0))
    builder.note(kernel, [], writes)


def stores_once(builder: PlanBuilder, kernel: ContractKernel) -> bool:
    """True if a contraction's code stores an element of its output once, after it has read the epilogue's operands there."""
    match = _chosen(builder, kernel)
    return builder.generator.contraction(match, kernel.epilogue, builder.threads).in_place


def _chosen(builder: PlanBuilder, kernel: ContractKernel) -> Match:
    """A contraction with the tiling chosen for this program."""
    match = kernel.match
    is_cached = id(kernel) in builder.loop_weights or is_packed_once(builder, kernel)
    return builder.generator.chosen(match, builder.threads, is_cached)


def is_packed_once(builder: PlanBuilder, kernel: ContractKernel) -> bool:
    """True if a contraction's weights are packed once for all runs."""
    return _stays(builder, kernel.match.right) and not packs_cheaply(kernel.match)


def packs_cheaply(match: Match) -> bool:
    """True if packing is a small part of a product's work, and its weights are a large variable: a copy of them is not worth its memory.

    That of a constant takes the constant's place.
    """
    gemm, weights = match.description, home(match.right)
    if not isinstance(gemm, Gemm) or weights.kind == "constant" or weights.dtype.size == 1:
        return False
    rows = (gemm.m, *gemm.batch)
    is_known = all(map(is_static, rows))
    return is_known and product(rows) >= MANY_ROWS and bytes_of(weights) >= LARGE_BYTES


def _stays(builder: PlanBuilder, weights: Node) -> bool:
    """True if packed weights may be cached: they are a constant, or a variable that does not change unnoticed.

    A nested function, such as a loop's body, takes them as a parameter.
    """
    own = home(weights)
    if own.kind == "constant":
        # A scalar constant has no memory that could be packed.
        if is_splat(own):
            return False
    elif own.kind == "read":
        if builder.numbers[own.args[0].id] in builder.changing:
            return False
    elif own.kind != "parameter" or not _is_fixed(builder, builder.buffer(own)):
        return False
    return is_worth_packing(own)


def is_worth_packing(weights: Node) -> bool:
    """True if a packed form of weights that stay the same may be kept: that of a few bytes is not worth its memory."""
    if "widening" in flags.disable and weights.dtype.size < LEAST_SIZE:
        return False
    # Products of bytes always need packed weights, so that caching them pays at any size.
    return weights.dtype.size == 1 or bytes_of(weights) >= LEAST_BYTES


def _is_fixed(builder: PlanBuilder, buffer: Buffer) -> bool:
    """True if a buffer holds the same numbers during all of a run."""
    if buffer.place == "variable":
        return buffer.number not in builder.changing
    return buffer.place == "constant"


def _prepacked(
    builder: PlanBuilder, match: Match, weights: Buffer, code: KernelCode, sizes: tuple[int, ...]
) -> Buffer:
    """The memory of packed weights, shared by all contractions of a variable that need the same packed form."""
    start, key = form_of(builder, match, code)
    place = key, weights.number
    if place not in builder.prepacked:
        number = len(builder.prepacked)
        memory = Buffer("prepacked weights", code.prepacked_bytes, "prepacked", number)
        packed = PrepackedWeights(key, start, code, sizes, weights.number, memory)
        builder.prepacked[place] = packed
    return builder.prepacked[place].memory


def _packed_constant(
    builder: PlanBuilder, match: Match, code: KernelCode, sizes: tuple[int, ...]
) -> Buffer | None:
    """The memory of packed weights that are a constant, shared by all contractions that need the same packed form; None for others."""
    if not code.prepacked_bytes or builder.buffer(match.right).place != "constant":
        return None
    array = builder.buffer(match.right).array
    start, key = form_of(builder, match, code)
    # The packed constant refers to the array, so that its id is not reused.
    place = key, id(array)
    if place not in builder.packed_constants:
        packed = PackedConstant(key, start, code, sizes, array)
        memory = Buffer("packed constant", code.prepacked_bytes, "constant", array=packed)
        builder.packed_constants[place] = memory
        builder.known.append(memory)
    return builder.packed_constants[place]


def form_of(builder: PlanBuilder, match: Match, code: KernelCode) -> tuple[int, Any]:
    """The offset of the right operand in its array, in bytes, and the key of its packed form."""
    start = match.starts[1] * match.right.dtype.size
    # Blocks of weights may depend on the number of threads.
    return start, (code.packed_form or (match.description, builder.threads), start)


def _partials(
    builder: PlanBuilder, kernel: ContractKernel, node: Node, code: Any, sizes: tuple[int, ...]
) -> Buffer:
    """The memory for the partial sums of a contraction's tasks."""
    return _partials_of(builder, kernel, node, *code.partials(sizes))


def _partials_of(
    builder: PlanBuilder, kernel: ContractKernel, node: Node, tasks: Any, bytes_each: int
) -> Buffer:
    """The memory for partial sums of `tasks` tasks."""
    builder.tasks[id(kernel)] = tasks
    buffer = builder.buffers[node.id] = Buffer(f"partial %{node.id}", tasks * bytes_each)
    builder.known.append(buffer)
    return builder.used(node)
