"""Chooses operations to run on the host: those on images that are decoded there with individual sizes.

A compiled program would be planned for each new size, which takes longer than resizing one image. So ops whose host kernel is as fast as a
program's (`Op.host_kernel.suits_new_sizes`) run on the host if their inputs come from there, together with the ops in between: movements, and
elementwise ops that give the same bits. The ops after them have a known size and form one program, unless they are all of these kinds, too.

Arithmetic on sizes, with its checks, forms one program if it costs more than calling a program. Its inputs are
the shapes of images as vectors, so one program serves images of all sizes.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.placement import CPU
from penstock._src.graph.operation import Operation

MOST_AFTER = 3  # operations on resized pictures that are not worth a program
MOST_OF_SIZES = 4  # the same of operations on sizes
MOST_NUMBERS = 16  # the largest number of elements of a size, or of a value computed from one
REASON = "pictures of sizes of their own come from the host"


def for_host(ops: Sequence[Operation]) -> dict[str, str]:
    """The names of these operations in a graph, each with the reason."""
    reasons: dict[str, str] = {}
    for op in ops:
        raw = op.raw_op
        # ops that only move values are as fast in a program for any sizes
        if (
            raw.host_kernel.suits_new_sizes
            and not raw.values.rounds_nothing
            and _has_own_size(op._inputs[0])
        ):
            earlier = list(before(op))
            if all(map(is_light, earlier)) and any(map(_gives_pictures, earlier)):
                reasons.update((each.name, REASON) for each in (op, *earlier) if may_lower(each))
    if not reasons:
        return reasons
    rest = [op for op in ops if op.name not in reasons and may_lower(op)]
    after = [op for op in rest if not _is_of_sizes(op)]
    if all(map(is_light, after)) and sum(map(_computes, after)) <= MOST_AFTER:
        reasons.update((op.name, REASON) for op in after)
        of_sizes = [op for op in rest if _is_of_sizes(op)]
        if len(of_sizes) <= MOST_OF_SIZES:
            reasons.update((op.name, REASON) for op in of_sizes if is_light(op))
    of_sizes = [op for op in ops if op.name in reasons and _is_of_sizes(op)]
    if len(of_sizes) > MOST_OF_SIZES:
        for op in of_sizes:
            del reasons[op.name]
    return reasons


def _is_of_sizes(op: Operation) -> bool:
    """True if an operation computes sizes from sizes, or checks them."""
    raw = op.raw_op
    if not raw.has_lowering or raw.op_type == "Const" or raw.flow.runs_functions:
        return False
    if raw.stateful and not raw.effects.leaves_nothing:
        return False
    values = [t for t in op._inputs if t.dtype != dtypes.string]  # strings are parts of messages
    return bool(values) and all(map(_is_small, (*values, *op._outputs)))


def may_lower(op: Operation) -> bool:
    """True if an operation could be a part of a compiled program."""
    return op.raw_op.has_lowering or op.raw_op.op_type == "Const"


def _computes(op: Operation) -> bool:
    """True if an operation visits the elements of a picture."""
    raw = op.raw_op
    return (
        raw.elements.is_elementwise
        and not raw.host_kernel.is_view
        and not all(map(_is_small, op._inputs))
    )


def _has_own_size(tensor: Any) -> bool:
    """True if an extent other than the number of examples is unknown."""
    dims = tensor.shape._dims
    return dims is None or None in dims[1:]


def before(op: Operation) -> Iterator[Operation]:
    """The operations on which one depends, up to those that only the host runs and the graph's inputs."""
    pending, seen = [op], {op.name}
    while pending:
        for tensor in pending.pop()._inputs:
            maker = tensor.op
            if maker.name not in seen:
                seen.add(maker.name)
                yield maker
                if maker.raw_op.has_lowering:
                    pending.append(maker)


def is_light(op: Operation) -> bool:
    """True if the host runs an operation anyway, or as fast as a program does."""
    raw = op.raw_op
    if not raw.has_lowering or raw.op_type == "Const":
        return True
    if raw.stateful or raw.flow.runs_functions or op._control_inputs:
        return False
    if raw.elements.is_movement or raw.host_kernel.is_view or raw.host_kernel.suits_new_sizes:
        return True
    if all(map(_is_small, (*op._inputs, *op._outputs))):
        return True
    return raw.elements.is_elementwise and raw.values.eager_is_exact


def _is_small(tensor: Any) -> bool:
    """True if a tensor is a size, or numbers computed from a size."""
    dims = tensor.shape._dims
    return dims is not None and None not in dims and math.prod(dims) <= MOST_NUMBERS


def _gives_pictures(op: Operation) -> bool:
    """True if an operation's result has a data-dependent size: it decodes, or is a dataset's element."""
    if op.raw_op.has_lowering or not any(
        t.dtype.is_numpy_compatible and not t.shape.is_fully_defined() for t in op._outputs
    ):
        return False
    return op.raw_op.op_type != "Placeholder" or getattr(op.graph, "home", None) == CPU
