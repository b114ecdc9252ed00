"""Gathers and sums by indices: tables that are divided by rows are read where the rows are, and the results added up."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import (
    Call,
    Plan,
    Specs,
    all_whole,
)
from penstock._src.distribute.dtensor.spmd.relayout import place_here


def gather(call: Call) -> Plan | None:
    """GatherV2: rows that another process has are zeros here; the sum over the mesh dimension is the result."""
    params, indices, axis = call.shapes[0], call.shapes[1], call.value(2)
    if params is None or indices is None or axis is None or call.op.attrs["batch_dims"]:
        return None
    return _gathered(call, int(axis) % len(params), (*all_whole(call.shapes[2:]),))


def gather_variable(call: Call) -> Plan | None:
    """ResourceGather: the same of a variable."""
    if call.shapes[0] is None or call.shapes[1] is None or call.op.attrs["batch_dims"]:
        return None
    return _gathered(call, 0, ())


def _gathered(call: Call, axis: int, others: tuple[Specs, ...]) -> Plan | None:
    cuts = call.specs[0]
    rows = cuts[axis]
    used = {cut for cut in cuts if cut != UNSHARDED}
    # If indices are divided in the same way as the table, the table stays sharded.
    indices = tuple(UNSHARDED if cut in used else cut for cut in call.specs[1])
    output = (*cuts[:axis], *indices, *cuts[axis + 1 :])
    if rows == UNSHARDED:
        return Plan((cuts, indices, *others), (output,))
    dtype = call.op.output_dtypes[0]
    if not (dtype.is_floating or dtype.is_integer):
        return None
    extent = (call.shapes[0] or ())[axis]
    if extent is None:
        return None

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        table, places = tensors[0], tensors[1]
        if call.op.op_type == "ResourceGather":
            table = raw.ReadVariableOp(resource=table, dtype=call.op.output_dtypes[0])
        own = raw.Shape(input=table, out_type=places.dtype)[axis]
        first = raw.Mul(x=own, y=np.asarray(place_here(call.mesh, rows), places.dtype.np))
        local = raw.Sub(x=places, y=first)
        inside = raw.LogicalAnd(
            x=raw.GreaterEqual(x=local, y=np.asarray(0, places.dtype.np)),
            y=raw.Less(x=local, y=own),
        )
        # An index that no process has stays as it is: the gather refuses it.
        somewhere = raw.LogicalAnd(
            x=raw.GreaterEqual(x=places, y=np.asarray(0, places.dtype.np)),
            y=raw.Less(x=places, y=np.asarray(extent, places.dtype.np)),
        )
        away = raw.SelectV2(condition=somewhere, t=np.asarray(0, places.dtype.np), e=places)
        kept = raw.SelectV2(condition=inside, t=local, e=away)
        gathered = raw.GatherV2(params=table, indices=kept, axis=axis)
        after = len(cuts) - axis - 1
        for _ in range(after):
            inside = raw.ExpandDims(input=inside, axis=-1)
        return [raw.SelectV2(condition=inside, t=gathered, e=np.asarray(0, gathered.dtype.np))]

    return Plan((cuts, indices, *others), (output,), (rows,), run=run)


def segment_sum(call: Call) -> Plan | None:
    """UnsortedSegmentSum: rows that are divided give partial sums."""
    data, ids = call.shapes[:2]
    if data is None or ids is None:
        return None
    cuts = call.specs[0]
    lead = len(ids)
    sums = tuple(cut for cut in cuts[:lead] if cut != UNSHARDED)
    return Plan((cuts, cuts[:lead], ()), ((UNSHARDED, *cuts[lead:]),), sums)


RULES: dict[str, Callable[[Call], Plan | None]] = {
    "GatherV2": gather,
    "ResourceGather": gather_variable,
    "UnsortedSegmentSum": segment_sum,
}
