"""Elementwise ops: inputs broadcast, and each axis is divided as the first input that divides it."""

from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Specs
from penstock._src.distribute.dtensor.spmd.relayout import combined


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


def softmax(call: Call) -> Plan | None:
    """Softmax and LogSoftmax: if the last axis is divided, rows' greatest elements and sums are combined."""
    cuts = call.specs[0]
    if call.shapes[0] is None or not cuts or cuts[-1] == UNSHARDED:
        return last_axis_whole(call)

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        (x,) = tensors
        last = np.array([-1], np.int32)
        most = raw.Max(input=x, axis=last, keep_dims=True)
        centered = raw.Sub(x=x, y=combined(most, cuts[-1], "Max", call.mesh))
        powers = raw.Exp(x=centered)
        total = combined(
            raw.Sum(input=powers, axis=last, keep_dims=True), cuts[-1], "Add", call.mesh
        )
        if call.op.op_type == "LogSoftmax":
            return [raw.Sub(x=centered, y=raw.Log(x=total))]
        return [raw.RealDiv(x=powers, y=total)]

    return Plan((cuts,), (cuts,), run=run)


def of_one_size(call: Call) -> Plan | None:
    """Bitcast: elementwise if the types are of one size."""
    if len(call.out_shapes[0] or ()) != len(call.shapes[0] or ()):
        return None
    return elementwise(call)


RULES = {
    "AddN": elementwise,
    "Bitcast": of_one_size,
    "BiasAdd": row_wise_bias,
    "BiasAddV1": row_wise_bias,
    "BiasAddGrad": bias_gradient,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "SoftmaxCrossEntropyWithLogits": last_axis_whole,
    "SparseSoftmaxCrossEntropyWithLogits": last_axis_whole,
    "TopKV2": lambda call: _top_k(call),
}


def _top_k(call: Call) -> Plan | None:
    plan = last_axis_whole(call)
    return None if plan is None else Plan((plan.inputs[0], ()), (plan.inputs[0],) * 2)
