"""Weights that stay the same in a loop: packed once before it, not in every round.

Before: while: h := tanh(x[i] @ w + h @ r)      each round packs r
After:  pack r;  while: h := tanh(x[i] @ w + h @ packed r)

A variable that the program assigns has no packed form between calls, but a loop that does not assign it reads the same numbers in every round: the
products with the recurrent weights of a network in training, forward and (transposed) in the gradient's loop. The condition is that the
body takes the weights from outside of the loop, in memory that is not that of a state.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.kernel_code import KernelCode
from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launchers.contractions import (
    form_of,
    is_packed_once,
    is_worth_packing,
    packs_cheaply,
)
from penstock._src.compiler.plan.launchers.functions import bind
from penstock._src.ir.extents import dims

LEAST_ROUNDS = 4  # of a loop for which reading packed weights pays for packing them


@contextlib.contextmanager
def packed_before_loop(
    builder: PlanBuilder,
    body: Schedule,
    state: Sequence[Buffer],
    outer: Sequence[Buffer],
    rounds: int | None,
) -> Iterator[None]:
    """Adds the launches that pack a loop's weights. Within the context the products of the loop's body read the packed ones.

    Args:
      builder: the plan.
      body: the kernels of the loop's body.
      state: the buffers that the loop's rounds write.
      outer: the buffers of what the body takes from outside.
      rounds: the number of rounds at most; None if it is not known.
    """
    kept: list[int] = []
    if rounds is None or rounds >= LEAST_ROUNDS:
        bind(builder, body.function, [*state, *outer])
        fixed = _fixed(body, state, outer)
        forms: dict[Any, Buffer] = {}
        for kernel in body.kernels:
            if isinstance(kernel, ContractKernel) and _reads_fixed(builder, kernel, fixed):
                packed = _packed(builder, kernel, forms)
                if packed is not None:
                    builder.loop_weights[id(kernel)] = packed
                    kept.append(id(kernel))
    yield
    for kernel_id in kept:
        # The same body may be that of another loop, which has other weights.
        del builder.loop_weights[kernel_id]


def _fixed(body: Schedule, state: Sequence[Buffer], outer: Sequence[Buffer]) -> set[int]:
    """The ids of the body's parameters whose memory no round writes."""
    written = [_memory(buffer) for buffer in state]
    parameters = body.function.parameters[len(state) :]
    return {p.id for p, buffer in zip(parameters, outer, strict=True) if _memory(buffer) not in written}  # fmt: skip


def _memory(buffer: Buffer) -> tuple[str, int]:
    """A key that is equal for buffers in common memory."""
    own, _ = memory_of(buffer)
    return own.place, own.number if own.place in ("variable", "input", "output") else id(own)


def _reads_fixed(builder: PlanBuilder, kernel: ContractKernel, fixed: set[int]) -> bool:
    """True if a contraction's weights stay the same in the loop only, and are worth packing."""
    weights, match = home(kernel.match.right), kernel.match
    if weights.id not in fixed or not kernel.outputs[0].size or is_packed_once(builder, kernel):
        return False
    return is_worth_packing(weights) and not packs_cheaply(match)


def _packed(builder: PlanBuilder, kernel: ContractKernel, forms: dict[Any, Buffer]) -> Buffer | None:  # fmt: skip
    """The packed weights of a contraction, which others of the loop may share; None if its code packs none that could be kept."""
    match = builder.generator.chosen(kernel.match, builder.threads, True)
    code = builder.generator.contraction(match, kernel.epilogue, builder.threads)
    if not code.prepacked_bytes:
        return None
    start, key = form_of(builder, match, code)
    weights = builder.used(match.right)
    place = key, id(weights)
    if place not in forms:
        forms[place] = _pack(builder, match, code, weights, start)
    return forms[place]


def _pack(
    builder: PlanBuilder, match: Match, code: KernelCode, weights: Buffer, start: int
) -> Buffer:
    """Adds the launches that pack weights; returns the memory of their packed form."""
    sizes = tuple([dims.settled(s) for s in match.sizes])
    memory = builder.temporary("weights packed before a loop", code.prepacked_bytes)
    scratch = builder.temporary("scratch", code.scratch(sizes))
    builder.note("pack weights before a loop", [weights], [memory, scratch])
    for stage in code.stages(sizes):
        if stage.prepacks:
            words = code.context(stage, 0, (weights, start), memory, 0, lambda at: (scratch, at), sizes)  # fmt: skip
            builder.add(
                code.code, stage.function, stage.tasks(sizes), words, "pack weights", nodes=()
            )
    builder.time += 1
    return memory
