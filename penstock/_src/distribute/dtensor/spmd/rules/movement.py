"""Ops that move elements: an axis stays sharded if it remains a separate axis, or is the first of those that it was split into."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.layout import MATCH, UNSHARDED, Layout
from penstock._src.distribute.dtensor.spmd.plans import (
    Call,
    Plan,
    Specs,
    all_whole,
    local_sizes,
    rank_of,
    run_op,
    whole,
)
from penstock._src.distribute.dtensor.spmd.rules.reductions import left_whole


def _rest(call: Call, first: Specs) -> tuple[Specs, ...]:
    """The specs of the inputs: those of the first, and whole ones."""
    return (first, *all_whole(call.shapes[1:]))


def reshape(call: Call) -> Plan | None:
    """Keeps an axis divided if an axis of the result starts at the same offset and can be divided too."""
    shape, out = call.shapes[0], call.out_shapes[0]
    if shape is None or out is None:
        return None
    cuts = list(call.specs[0])
    specs = [UNSHARDED] * len(out)
    for axis, cut in enumerate(cuts):
        at = _same_start(shape, axis, out) if cut != UNSHARDED else None
        if at is not None and specs[at] == UNSHARDED and call.divides(cut, out[at]):
            specs[at] = cut
        else:
            cuts[axis] = UNSHARDED
    kept = tuple(specs)

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        if call.op.op_type == "Reshape":
            return run_op(call.op, [tensors[0], local_sizes(tensors[1], kept, call, 1)])
        return run_op(call.op, tensors)

    return Plan(_rest(call, tuple(cuts)), (kept,), run=run)


def _same_start(
    shape: tuple[int | None, ...], axis: int, out: tuple[int | None, ...]
) -> int | None:
    """The axis of the result that starts where an axis of the input does; None if there is none, or it is not known.

    The condition is that equally many elements precede both, or that the axes after both are the same.
    """
    before = shape[:axis]
    for at in range(len(out)):
        if out[at] == 1 and shape[axis] != 1:
            continue
        lead = out[:at]
        if None not in before and None not in lead and np.prod(before) == np.prod(lead):
            return at
        tail, rest = shape[axis:], out[at:]
        if None not in tail and None not in rest and np.prod(tail) == np.prod(rest):
            return at
    return None


def transpose(call: Call) -> Plan | None:
    """Permutes the specs as the axes."""
    order, cuts = call.value(1), call.specs[0]
    if order is None or call.shapes[0] is None:
        return None
    return Plan(_rest(call, cuts), (tuple(cuts[int(axis)] for axis in order),))


def concat(call: Call) -> Plan | None:
    """The axis along which tensors are joined is whole; the others are divided as in the first that divides them."""
    axis, out = call.value(len(call.shapes) - 1), call.out_shapes[0]
    if axis is None or out is None or any(shape is None for shape in call.shapes):
        return None
    specs = _merged(call, call.specs[:-1], out, int(axis) % len(out))
    return Plan((*[specs] * (len(call.shapes) - 1), ()), (specs,))


def pack(call: Call) -> Plan | None:
    """The new axis is whole; the others are divided as in the first tensor that divides them."""
    out = call.out_shapes[0]
    if out is None or any(shape is None for shape in call.shapes):
        return None
    at = call.op.attrs["axis"] % len(out)
    shape = out[:at] + out[at + 1 :]
    specs = _merged(call, call.specs, shape, None)
    return Plan((specs,) * len(call.shapes), ((*specs[:at], UNSHARDED, *specs[at:]),))


def _merged(call: Call, inputs: Any, shape: tuple[int | None, ...], kept: int | None) -> Specs:
    specs = [UNSHARDED] * len(shape)
    for cuts in inputs:
        for axis, cut in enumerate(cuts):
            if axis != kept and specs[axis] == UNSHARDED and cut not in specs:
                specs[axis] = cut
    return call.usable(specs, shape)


def unpack(call: Call) -> Plan | None:
    """The axis that is taken apart is whole."""
    shape = call.shapes[0]
    if shape is None:
        return None
    at = call.op.attrs["axis"] % len(shape)
    cuts = left_whole(call.specs[0], {at})
    return Plan((cuts,), ((*cuts[:at], *cuts[at + 1 :]),) * len(call.out_shapes))


def split(call: Call) -> Plan | None:
    """Split (axis, value) and SplitV (value, sizes, axis): the axis is whole."""
    at, axis = (1, 0) if call.op.op_type == "Split" else (0, 2)
    value, shape = call.value(axis), call.shapes[at]
    if value is None or shape is None:
        return None
    cuts = left_whole(call.specs[at], {int(value) % len(shape)})
    inputs = list(all_whole(call.shapes))
    inputs[at] = cuts
    return Plan(tuple(inputs), (cuts,) * len(call.out_shapes))


def slice_(call: Call) -> Plan | None:
    """Axes that are sliced from beginning to end stay sharded."""
    shape, begin, size = call.shapes[0], call.value(1), call.value(2)
    if shape is None or begin is None or size is None:
        return None
    cut = {
        axis
        for axis, extent in enumerate(shape)
        if begin[axis] != 0 or size[axis] not in (-1, extent)
    }
    cuts = left_whole(call.specs[0], cut)

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        sizes = np.where([spec != UNSHARDED for spec in cuts], -1, size).astype(size.dtype)
        return run_op(call.op, [tensors[0], tensors[1], raw.Identity(input=sizes)])

    return Plan(_rest(call, cuts), (cuts,), run=run)


def strided_slice(call: Call) -> Plan | None:
    """Axes that are taken whole stay divided; new ones are whole."""
    shape, entries = call.shapes[0], _entries(call, 1, rank_of(call.shapes[0]))
    if shape is None or entries is None:
        return None
    cuts = left_whole(call.specs[0], {axis for kind, axis in entries if kind in ("cut", "drop")})
    kept = [UNSHARDED if kind == "new" else cuts[axis] for kind, axis in entries if kind != "drop"]
    return Plan(_rest(call, cuts), (tuple(kept),))


def strided_slice_gradient(call: Call) -> Plan | None:
    """Axes that were taken whole stay divided."""
    out, dy = call.out_shapes[0], call.specs[4]
    entries = None if out is None else _entries(call, 1, len(out))
    if out is None or entries is None:
        return None
    specs, gradient_specs = [UNSHARDED] * len(out), []
    left = iter(dy)
    for kind, axis in entries:
        if kind == "drop":
            continue
        cut = next(left)
        gradient_specs.append(cut if kind == "all" else UNSHARDED)
        if kind == "all":
            specs[axis] = cut
    kept = tuple(specs)

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        return run_op(call.op, [local_sizes(tensors[0], kept, call, 0), *tensors[1:]])

    return Plan((*all_whole(call.shapes[:4]), tuple(gradient_specs)), (kept,), run=run)


def _entries(call: Call, first: int, rank: int) -> list[tuple[str, int]] | None:
    """Return the effects of a strided slice, entry by entry: ("all", "cut", "drop" or "new", axis)."""
    begin, end, strides = (call.value(first + i) for i in range(3))
    if begin is None or strides is None:
        return None
    attrs = call.op.attrs

    def has(mask: str, at: int) -> bool:
        return bool(attrs[f"{mask}_mask"] >> at & 1)

    count = len(begin)
    taken = sum(not has("new_axis", at) and not has("ellipsis", at) for at in range(count))
    entries: list[tuple[str, int]] = []
    axis = 0
    for at in range(count):
        if has("ellipsis", at):
            for _ in range(rank - taken):
                entries.append(("all", axis))
                axis += 1
        elif has("new_axis", at):
            entries.append(("new", -1))
        else:
            is_all = has("begin", at) and has("end", at) and strides[at] == 1
            kind = "drop" if has("shrink_axis", at) else "all" if is_all else "cut"
            entries.append((kind, axis))
            axis += 1
    entries += [("all", at) for at in range(axis, rank)]
    return entries


def pad(call: Call) -> Plan | None:
    """Axes without a border stay divided."""
    paddings = call.value(1)
    if paddings is None or call.shapes[0] is None:
        return None
    padded = {axis for axis, (before, after) in enumerate(paddings.tolist()) if before or after}
    cuts = left_whole(call.specs[0], padded)
    return Plan(_rest(call, cuts), (cuts,))


def tile(call: Call) -> Plan | None:
    """Axes that are not repeated stay divided."""
    multiples = call.value(1)
    if multiples is None or call.shapes[0] is None:
        return None
    cuts = left_whole(call.specs[0], {axis for axis, n in enumerate(multiples.tolist()) if n != 1})
    return Plan(_rest(call, cuts), (cuts,))


def broadcast_to(call: Call) -> Plan | None:
    """Axes that the input has in full size stay divided; a shape that is another tensor's is divided as that."""
    shape, out = call.shapes[0], call.out_shapes[0]
    if shape is None or out is None:
        return None
    lead = len(out) - len(shape)
    specs = list(_of_shape_source(call, len(out)))
    for axis, cut in enumerate(call.specs[0]):
        is_full = shape[axis] is not None and shape[axis] == out[lead + axis]
        if is_full and specs[lead + axis] == UNSHARDED and cut not in specs:
            specs[lead + axis] = cut
    kept = call.usable(specs, out)
    input_specs = tuple(UNSHARDED if n == 1 else cut for n, cut in zip(shape, kept[lead:]))

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        return run_op(call.op, [tensors[0], local_sizes(tensors[1], kept, call, 1)])

    return Plan((input_specs, whole(1)), (kept,), run=run)


def _of_shape_source(call: Call, rank: int) -> Specs:
    """Return the specs of the tensor that the second input is the shape of, if it is a Shape op's result."""
    maker = getattr(call.tensors[1], "op", None)
    if maker is not None and maker.type == "Shape":
        specs = call.specs_of(maker._inputs[0])
        if specs is not None and len(specs) == rank:
            return specs
    return whole(rank)


def one_hot(call: Call) -> Plan | None:
    """The new axis is whole."""
    if call.shapes[0] is None:
        return None
    cuts, axis = call.specs[0], call.op.attrs["axis"]
    at = len(cuts) if axis < 0 else axis
    return Plan(_rest(call, cuts), ((*cuts[:at], UNSHARDED, *cuts[at:]),))


def relayout(call: Call) -> Plan | None:
    """Relayout: the requested layout."""
    if call.shapes[0] is None:
        return None
    asked = Layout.from_string(call.op.attrs["layout"]).sharding_specs
    cuts = tuple(
        old if new == MATCH else new for old, new in zip(call.specs[0], asked, strict=True)
    )
    return Plan((cuts,), (cuts,), run=lambda _, tensors: tensors)


def relayout_like(call: Call) -> Plan | None:
    """RelayoutLike: the specs of the other tensor."""
    cuts = call.specs[1]
    if call.shapes[0] is None or len(cuts) != len(call.shapes[0]):
        return None
    return Plan((cuts, cuts), (cuts,), run=lambda _, tensors: tensors[:1])


RULES: dict[str, Callable[[Call], Plan | None]] = {
    **dict.fromkeys(("Reshape", "ExpandDims", "Squeeze"), reshape),
    "Transpose": transpose,
    "ConcatV2": concat,
    "Pack": pack,
    "Unpack": unpack,
    **dict.fromkeys(("Split", "SplitV"), split),
    "Slice": slice_,
    "StridedSlice": strided_slice,
    "StridedSliceGrad": strided_slice_gradient,
    **dict.fromkeys(("Pad", "PadV2"), pad),
    "Tile": tile,
    "BroadcastTo": broadcast_to,
    "OneHot": one_hot,
    "Relayout": relayout,
    "RelayoutLike": relayout_like,
}
