"""Reductions: partial results over the divided axes, which are then combined."""

from typing import Any

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Specs, run_op, whole

MERGES = {"Sum": "Add", "Mean": "Add", "Prod": "Mul", "Max": "Max", "Min": "Min"}
# Partial results of these are not combined: their axes are gathered first.
GATHERED = ("All", "Any", "EuclideanNorm")


def reduction(call: Call) -> Plan | None:
    """Keeps the axes that are left as they are divided; the others give partial results."""
    shape = call.shapes[0]
    if shape is None:
        return None
    axes = call.value(1)
    if axes is None:
        return _like(call, shape)
    gone = {int(axis) % max(len(shape), 1) for axis in np.asarray(axes).reshape(-1)}
    return _over(call, gone, call.specs[0])


def _over(call: Call, gone: set[int], cuts: Specs) -> Plan:
    keeps = bool(call.op.attrs.get("keep_dims"))
    if call.op.op_type in GATHERED:
        cuts = left_whole(cuts, gone)
    left = [UNSHARDED if axis in gone else cut for axis, cut in enumerate(cuts)]
    outputs = tuple(cut for axis, cut in enumerate(left) if keeps or axis not in gone)
    sums = tuple(cut for axis, cut in enumerate(cuts) if axis in gone and cut != UNSHARDED)
    merge = MERGES.get(call.op.op_type, "Add")
    run = None
    if call.op.op_type == "Mean" and sums:
        if not call.op.output_dtypes[0].is_floating:
            return Plan((left_whole(cuts, gone), whole(len(call.shapes[1] or ()))), (outputs,))
        run = _mean
    return Plan((cuts, whole(len(call.shapes[1] or ()))), (outputs,), sums, merge, run)


def left_whole(cuts: Specs, axes: set[int]) -> Specs:
    """Specs with some axes whole."""
    return tuple(UNSHARDED if axis in axes else cut for axis, cut in enumerate(cuts))


def _mean(call: Call, tensors: list[Any]) -> list[Any]:
    """A process's part of a mean: parts have equally many elements."""
    parts = int(np.prod([call.count(cut) for cut in _gone(call)]))
    (part,) = run_op(call.op, tensors)
    return [raw.RealDiv(x=part, y=np.asarray(parts, part.dtype.np))]


def _gone(call: Call) -> list[str]:
    axes = np.asarray(call.value(1)).reshape(-1)
    return [call.specs[0][int(axis)] for axis in axes]


def _like(call: Call, shape: tuple[int | None, ...]) -> Plan | None:
    """The sum to the shape of a tensor that was broadcast, over axes that are known only when it runs.

    `axes` come from BroadcastGradientArgs(Shape(x), Shape(input)). Where an axis of x may have any extent, it is as divided as that
    of the input: then both are of one extent, and it is not among the axes.
    """
    maker = getattr(call.tensors[1], "op", None)
    if maker is None or maker.type != "BroadcastGradientArgs" or call.op.attrs.get("keep_dims"):
        return None
    source = maker._inputs[0].op
    if source.type != "Shape" or call.tensors[1].value_index:
        return None
    x = source._inputs[0]
    specs, dims = call.specs_of(x), x.shape._dims
    if specs is None or dims is None or len(dims) != len(shape):
        return None
    cuts = call.specs[0]
    gone = {axis for axis, extent in enumerate(dims) if extent == 1 and shape[axis] != 1}
    unsure = [
        axis
        for axis, extent in enumerate(dims)
        if axis not in gone and cuts[axis] != UNSHARDED and (extent is None or shape[axis] is None)
    ]
    if any(cuts[axis] != specs[axis] for axis in unsure):
        return None
    if any(cuts[axis] != UNSHARDED for axis in gone):
        return None
    # The rank of the result is not known; a Reshape to the shape of x follows.
    kept = tuple(1 if axis in gone else extent for axis, extent in enumerate(shape))
    return Plan((cuts, whole(1)), (cuts,), run=_kept_axes, shapes=(kept,))


def _kept_axes(call: Call, tensors: list[Any]) -> list[Any]:
    """The sum with its axes kept, so that each is where it was."""
    kind = type(call.op)
    kept: Op = kind.instance({**call.op.attrs, "keep_dims": True})
    return run_op(kept, tensors)


def along_axis(call: Call) -> Plan | None:
    """ArgMax, Cumsum and their like: the axis, their second input, is made whole."""
    shape, axis = call.shapes[0], call.value(1)
    if shape is None or axis is None or not shape:
        return None
    at = int(axis) % len(shape)
    cuts = tuple(UNSHARDED if i == at else cut for i, cut in enumerate(call.specs[0]))
    drops = rank_falls(call)
    outputs = tuple(cut for i, cut in enumerate(cuts) if not (drops and i == at))
    return Plan((cuts, ()), (outputs,) * len(call.out_shapes))


def rank_falls(call: Call) -> bool:
    """True if the result has fewer axes than the input."""
    return len(call.out_shapes[0] or ()) < len(call.shapes[0] or ())


RULES = {
    **dict.fromkeys((*MERGES, *GATHERED), reduction),
    **dict.fromkeys(("ArgMax", "ArgMin", "Cumsum", "Cumprod", "CumulativeLogsumexp"), along_axis),
}
