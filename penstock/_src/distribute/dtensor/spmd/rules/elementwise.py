"""Elementwise ops: inputs broadcast, and each axis is divided as the first input that divides it."""

from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Specs


def elementwise(call: Call) -> Plan | None:
    """Divides each axis as the first input that has it in full size and divides it."""
    out = call.out_shapes[0]
    if out is None or any(shape is None for shape in call.shapes):
        return None
    specs = [UNSHARDED] * len(out)
    for shape, cuts in zip(call.shapes, call.specs, strict=True):
        for back in range(1, len(shape or ()) + 1):
            spec = cuts[-back]
            free = specs[-back] == UNSHARDED and spec not in specs
            if shape and shape[-back] != 1 and free and call.divides(spec, out[-back]):
                specs[-back] = spec
    inputs = tuple(_aligned(shape or (), specs) for shape in call.shapes)
    return Plan(inputs, (tuple(specs),) * len(call.out_shapes))


def _aligned(shape: tuple[int | None, ...], specs: list[str]) -> Specs:
    """The specs of an input that broadcasts to a result."""
    last = specs[len(specs) - len(shape) :]
    return tuple(UNSHARDED if extent == 1 else spec for extent, spec in zip(shape, last))


def row_wise_bias(call: Call) -> Plan | None:
    """BiasAdd: the channels of both inputs are divided alike."""
    shape, cuts = call.shapes[0], call.specs[0]
    if shape is None:
        return None
    channels = 1 if call.op.attrs.get("data_format") == "NCHW" else len(shape) - 1
    specs = list(cuts)
    bias = call.specs[1][0]
    if specs[channels] == UNSHARDED and bias not in specs:
        specs[channels] = bias
    kept = call.usable(specs, shape)
    return Plan((kept, (kept[channels],)), (kept,))


def bias_gradient(call: Call) -> Plan | None:
    """BiasAddGrad: partial sums over every axis besides the channels."""
    shape, cuts = call.shapes[0], call.specs[0]
    if shape is None:
        return None
    channels = 1 if call.op.attrs.get("data_format") == "NCHW" else len(shape) - 1
    sums = tuple(s for axis, s in enumerate(cuts) if axis != channels and s != UNSHARDED)
    return Plan((cuts,), ((cuts[channels],),), sums)


def last_axis_whole(call: Call) -> Plan | None:
    """Softmax and its like, on which rows are computed by themselves: the last axis of every input is whole.

    Labels of a cross entropy may lack it; so may results.
    """
    shape = call.shapes[0]
    if shape is None or any(other is None for other in call.out_shapes):
        return None
    rows = call.usable((*call.specs[0][:-1], UNSHARDED), shape)
    inputs = tuple(rows[: len(other or ())] for other in call.shapes)
    return Plan(inputs, tuple(rows[: len(other or ())] for other in call.out_shapes))


RULES = {
    "BiasAdd": row_wise_bias,
    "BiasAddV1": row_wise_bias,
    "BiasAddGrad": bias_gradient,
    "Softmax": last_axis_whole,
    "LogSoftmax": last_axis_whole,
    "SoftmaxCrossEntropyWithLogits": last_axis_whole,
    "SparseSoftmaxCrossEntropyWithLogits": last_axis_whole,
    "TopKV2": lambda call: _top_k(call),
}


def _top_k(call: Call) -> Plan | None:
    made = last_axis_whole(call)
    return None if made is None else Plan((made.inputs[0], ()), (made.inputs[0],) * 2)
