"""Products: each axis has a label, and axes of one label are divided alike; divided axes that are summed give partial sums."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import (
    Call,
    Plan,
    local_sizes,
    rank_of,
    run_op,
    whole,
)

# A label whose axis is never divided: axes of windows, and axes that broadcast.
WHOLE = "."


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels of the axes of two operands and of their product.

    places  which inputs the operands are
    """

    operands: tuple[Sequence[str], Sequence[str]]
    product: Sequence[str]
    places: tuple[int, int] = (0, 1)


def contraction(
    call: Call, labels: Labels, run: Callable[[Call, list[Any]], list[Any]] | None = None
) -> Plan:
    """Divides labels along the mesh dimensions that operands divide them along.

    A mesh dimension that both operands use for axes of the product which are not the same is dropped, as TensorFlow does.
    """
    chosen = _chosen(call, labels)
    inputs = [whole(rank_of(shape)) for shape in call.shapes]
    for place, names in zip(labels.places, labels.operands):
        inputs[place] = tuple(chosen.get(name, UNSHARDED) for name in names)
    output = tuple(chosen.get(name, UNSHARDED) for name in labels.product)
    sums = tuple(spec for name, spec in chosen.items() if name not in labels.product)
    return Plan(tuple(inputs), (output,), sums, run=run)


def _chosen(call: Call, labels: Labels) -> dict[str, str]:
    """The mesh dimension of each label that is divided."""
    by_operand = [_of_operand(call, labels, which) for which in (0, 1)]
    first, second = by_operand
    common = {name: spec for name, spec in first.items() if second.get(name) == spec}
    rows = {n: s for n, s in first.items() if n in labels.product}
    columns = {n: s for n, s in second.items() if n in labels.product}
    clash = {
        spec
        for name, spec in rows.items()
        for other, same in columns.items()
        if spec == same and name != other
    }
    chosen: dict[str, str] = {}
    summed = {n: s for each in by_operand for n, s in each.items() if n not in labels.product}
    for name, spec in (*common.items(), *rows.items(), *columns.items(), *summed.items()):
        clashes = spec in clash and name not in common
        if name not in chosen and spec not in chosen.values() and not clashes:
            chosen[name] = spec
    return chosen


def _of_operand(call: Call, labels: Labels, which: int) -> dict[str, str]:
    """The mesh dimension of each label that an operand divides and the other can divide as well."""
    place = labels.places[which]
    dimensions = {}
    for name, spec in zip(labels.operands[which], call.specs[place]):
        extents = [
            extent
            for at, names in zip(labels.places, labels.operands)
            for other, extent in zip(names, call.shapes[at] or ())
            if other == name
        ]
        if name != WHOLE and spec != UNSHARDED and all(call.divides(spec, e) for e in extents):
            dimensions[name] = spec
    return dimensions


def matrix_product(call: Call) -> Plan | None:
    """MatMul and BatchMatMul."""
    a, b = call.shapes[:2]
    if a is None or b is None or len(a) < 2 or len(b) < 2:
        return None
    attrs = call.op.attrs
    first = "kr" if attrs.get("transpose_a") or attrs.get("adj_x") else "rk"
    second = "ck" if attrs.get("transpose_b") or attrs.get("adj_y") else "kc"
    count = max(len(a), len(b)) - 2
    batch = [f"batch{i}" for i in range(count)]
    labels = Labels(((*_batch(a, batch), *first), (*_batch(b, batch), *second)), (*batch, "r", "c"))
    return contraction(call, labels)


def _batch(shape: tuple[int | None, ...], names: list[str]) -> list[str]:
    """Labels of an operand's batch axes; those of one element broadcast."""
    own = names[len(names) - (len(shape) - 2) :] if len(shape) > 2 else []
    return [WHOLE if extent == 1 else name for extent, name in zip(shape, own)]


def einsum(call: Call) -> Plan | None:
    """Products by named axes."""
    equation = call.op.attrs["equation"].replace(" ", "")
    left, arrow, right = equation.partition("->")
    names = left.split(",")
    if not arrow or len(names) != 2 or any(shape is None for shape in call.shapes):
        return None
    ranks = [len(shape or ()) for shape in call.shapes]
    operands = [_spelled(text, rank) for text, rank in zip(names, ranks)]
    hidden = max(rank - len(text.replace("...", "")) for text, rank in zip(names, ranks))
    product = _spelled(right, len(right.replace("...", "")) + (hidden if "..." in right else 0))
    if any(len(set(part)) < len(part) for part in (*operands, product)):
        return None  # a diagonal
    return contraction(call, Labels((operands[0], operands[1]), product))


def _spelled(text: str, rank: int) -> list[str]:
    """The labels of an operand; those of an ellipsis are numbered from its end."""
    before, dots, after = text.partition("...")
    count = rank - len(before) - len(after) if dots else 0
    return [*before, *(f"hidden{i}" for i in reversed(range(count))), *after]


def _images(call: Call, channels: str) -> list[str]:
    rank = len(call.op.attrs["strides"])
    windows = [WHOLE] * (rank - 2)
    first = str(call.op.attrs.get("data_format", "NHWC")).startswith("NC")
    return ["n", channels, *windows] if first else ["n", *windows, channels]


def _filters(call: Call) -> list[str]:
    return [WHOLE] * (len(call.op.attrs["strides"]) - 2) + ["i", "o"]


def convolution(call: Call) -> Plan | None:
    """Divides images over the batch, filters over the channels that they make or take."""
    if _is_grouped(call, 0, 1):
        return None
    labels = Labels((_images(call, "i"), _filters(call)), _images(call, "o"))
    return contraction(call, labels)


def convolution_by_input(call: Call) -> Plan | None:
    """Plan the gradient with respect to the images. Their sizes are the first input."""
    if call.out_shapes[0] is None or _is_grouped(call, None, 1):
        return None
    labels = Labels((_filters(call), _images(call, "o")), _images(call, "i"), (1, 2))
    return contraction(call, labels, _with_local_sizes(0))


def convolution_by_filter(call: Call) -> Plan | None:
    """Plan the gradient with respect to the filters, as partial sums over the batch. Their sizes are the second input."""
    if _is_grouped(call, 0, None):
        return None
    labels = Labels((_images(call, "i"), _images(call, "o")), _filters(call), (0, 2))
    return contraction(call, labels, _with_local_sizes(1))


def _is_grouped(call: Call, images: int | None, filters: int | None) -> bool:
    """True if a convolution is grouped or not known to be ungrouped. Its channels are then not sharded."""
    at = 1 if str(call.op.attrs.get("data_format", "NHWC")).startswith("NC") else -1
    source = call.shapes[images] if images is not None else call.out_shapes[0]
    kernel = call.shapes[filters] if filters is not None else call.out_shapes[0]
    if not source or not kernel:
        return True
    return source[at] is None or source[at] != kernel[-2]


def _with_local_sizes(position: int) -> Callable[[Call, list[Any]], list[Any]]:
    """The op with the sizes of its result, which are an input, divided as that is."""

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        plan = RULES[call.op.op_type](call)
        arguments = list(tensors)
        if plan is not None:
            arguments[position] = local_sizes(arguments[position], plan.outputs[0], call, position)
        return run_op(call.op, arguments)

    return run


RULES: dict[str, Callable[[Call], Plan | None]] = {
    **dict.fromkeys(("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), matrix_product),
    "Einsum": einsum,
    "Conv2D": convolution,
    "Conv3D": convolution,
    "Conv2DBackpropInput": convolution_by_input,
    "Conv3DBackpropInputV2": convolution_by_input,
    "Conv2DBackpropFilter": convolution_by_filter,
    "Conv3DBackpropFilterV2": convolution_by_filter,
}
