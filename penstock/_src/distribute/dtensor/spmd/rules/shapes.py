"""Ops on shapes: they return the shape of the whole tensor."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Specs, run_op, whole


def shape_of(call: Call) -> Plan | None:
    """Shape and ShapeN: sizes of shards times the numbers of shards."""
    if any(shape is None for shape in call.shapes):
        return None

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        sizes = run_op(call.op, tensors)
        return [_multiplied(call, size, cuts) for size, cuts in zip(sizes, call.specs)]

    return Plan(tuple(call.specs), (whole(1),) * len(call.out_shapes), run=run)


def _multiplied(call: Call, sizes: Any, cuts: Specs) -> Any:
    counts = np.array([call.count(cut) for cut in cuts], sizes.dtype.np)
    return sizes if (counts == 1).all() else raw.Mul(x=sizes, y=counts)


def size_of(call: Call) -> Plan | None:
    """Size: that of the shard times the number of shards."""
    if call.shapes[0] is None:
        return None

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        (size,) = run_op(call.op, tensors)
        count = np.prod([call.count(cut) for cut in call.specs[0]], dtype=size.dtype.np)
        return [raw.Mul(x=size, y=count)]

    return Plan((call.specs[0],), ((),), run=run)


def rank(call: Call) -> Plan | None:
    """Rank: that of the shard."""
    return Plan((call.specs[0],), ((),))


def ensure_shape(call: Call) -> Plan | None:
    """EnsureShape: whole tensors were checked where that is known; what remains is a tensor of a known rank."""
    if call.shapes[0] is None or None in call.shapes[0]:
        return None
    return Plan((call.specs[0],), (call.specs[0],), run=lambda _, tensors: tensors)


RULES: dict[str, Callable[[Call], Plan | None]] = {
    **dict.fromkeys(("Shape", "ShapeN"), shape_of),
    "Size": size_of,
    "Rank": rank,
    "EnsureShape": ensure_shape,
}
