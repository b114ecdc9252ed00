"""Products: dot_general, convolutions, einsums."""

import string
from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.elementwise import converted
from penstock._src.ops.xla.translation.translate import (
    Translation,
    ints,
    result_dtype,
    translates,
)
from penstock._src.stablehlo.module import HloOperation


@translates("dot_general")
def dot_general(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """Batch axes first, then the free axes of x, then those of y."""
    batch = ints(operation, "lhs_batching_dimensions"), ints(operation, "rhs_batching_dimensions")
    summed = (
        ints(operation, "lhs_contracting_dimensions"),
        ints(operation, "rhs_contracting_dimensions"),
    )
    letters = iter(string.ascii_letters)
    names: tuple[list[str], list[str]] = ([""] * x.rank, [""] * y.rank)
    for pairs in (batch, summed):
        for i, j in zip(*pairs):
            names[0][i] = names[1][j] = next(letters)
    for own in names:
        own[:] = [name or next(letters) for name in own]
    result = [names[0][i] for i in batch[0]]
    for own, used in zip(names, zip(batch, summed)):
        taken = {*used[0], *used[1]}
        result += [name for i, name in enumerate(own) if i not in taken]
    spec = f"{''.join(names[0])},{''.join(names[1])}->{''.join(result)}"
    return product(t, spec, x, y, result_dtype(operation))


@translates("dot")
def dot(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """The product of matrices and vectors."""
    spec = ("mk" if x.rank == 2 else "k", "kn" if y.rank == 2 else "k")
    result = "".join(part for part in (spec[0] + spec[1]) if part != "k")
    return product(t, f"{spec[0]},{spec[1]}->{result}", x, y, result_dtype(operation))


@translates("einsum")
def einsum(t: Translation, operation: HloOperation, x: Node, y: Node) -> Node:
    """An einsum of two operands."""
    return product(t, operation.attribute("einsum_config"), x, y, result_dtype(operation))


def product(t: Translation, spec: str, x: Node, y: Node, dtype: DType) -> Node:
    """A contraction summed in the dtype of its result; for bools: whether any pair is true."""
    if dtype.is_bool:
        counted = t.p.contract(spec, t.p.cast(x, dtypes.int32), t.p.cast(y, dtypes.int32))
        return t.p.ne(counted, 0)
    return t.p.contract(spec, converted(t, x, dtype), converted(t, y, dtype))


@translates("convolution")
def convolution(t: Translation, operation: HloOperation, x: Node, kernel: Node) -> Node:
    """A convolution of any layout, stride, dilation and number of groups."""
    padding = [(int(low), int(high)) for low, high in operation.attribute("padding")]
    return convolve(t, operation, x, kernel, padding)


@translates("dynamic_conv")
def dynamic_convolution(
    t: Translation, operation: HloOperation, x: Node, kernel: Node, padding: Node
) -> Node:
    """A convolution with computed padding."""
    numbers = t.extents(padding, "padding")
    return convolve(t, operation, x, kernel, list(zip(numbers[::2], numbers[1::2])))


def convolve(
    t: Translation,
    operation: HloOperation,
    x: Node,
    kernel: Node,
    padding: Sequence[tuple[int, int]],
) -> Node:
    """contract(windows(x), kernel), converted to channels-last."""
    p, dtype = t.p, result_dtype(operation)
    number = operation.attribute
    x = p.transpose(
        converted(t, x, dtype),
        [
            number("input_batch_dimension"),
            *ints(operation, "input_spatial_dimensions"),
            number("input_feature_dimension"),
        ],
    )
    kernel = p.transpose(
        converted(t, kernel, dtype),
        [
            *ints(operation, "kernel_spatial_dimensions"),
            number("kernel_input_feature_dimension"),
            number("kernel_output_feature_dimension"),
        ],
    )
    reversed_axes = [i for i, r in enumerate(ints(operation, "window_reversal")) if r]
    kernel = p.reverse(kernel, reversed_axes) if reversed_axes else kernel
    channels_last = _channels_last(
        t, x, kernel, operation, padding, number("feature_group_count"), number("batch_group_count")
    )
    place = [0] * channels_last.rank
    place[number("output_batch_dimension")] = 0
    for i, axis in enumerate(ints(operation, "output_spatial_dimensions"), 1):
        place[axis] = i
    place[number("output_feature_dimension")] = channels_last.rank - 1
    return p.transpose(channels_last, place)


def _channels_last(
    t: Translation,
    x: Node,
    kernel: Node,
    operation: HloOperation,
    padding: Sequence[tuple[int, int]],
    groups: int,
    batches: int,
) -> Node:
    """Groups of channels (or of the batch) become a separate axis on both sides."""
    p, spatial = t.p, x.rank - 2
    outer, inner = "xyzuvw"[:spatial], "ijklmn"[:spatial]
    lead, tail, filters = "b", "c", "co"
    if groups > 1:
        x = p.reshape(x, [*x.shape[:-1], groups, x.shape[-1] // groups])
        kernel = p.reshape(kernel, [*kernel.shape[:-1], groups, kernel.shape[-1] // groups])
        tail, filters = "gc", "cgo"
    elif batches > 1:
        x = p.reshape(x, [batches, x.shape[0] // batches, *x.shape[1:]])
        kernel = p.reshape(kernel, [*kernel.shape[:-1], batches, kernel.shape[-1] // batches])
        lead, filters = "gb", "cgo"
    patches = _view(t, x, len(lead), kernel.shape[:spatial], operation, padding)
    group = "g" if "g" in filters else ""
    spec = f"{lead}{outer}{tail}{inner},{inner}{filters}->b{outer}{group}o"
    contracted = p.contract(spec, patches, kernel)
    if not group:
        return contracted
    return p.reshape(
        contracted, [*contracted.shape[:-2], contracted.shape[-2] * contracted.shape[-1]]
    )


def _view(
    t: Translation,
    x: Node,
    first: int,
    sizes: Sequence[int],
    operation: HloOperation,
    padding: Sequence[tuple[int, int]],
) -> Node:
    """The windows of x along the spatial axes, which begin at axis `first`. Negative padding crops x first."""
    if not sizes:
        return x
    axes = list(range(first, first + len(sizes)))
    dilations = ints(operation, "lhs_dilation")
    x, padding = cut(t, x, axes, dilations, padding)
    return t.p.windows(
        x,
        axes=axes,
        size=sizes,
        strides=ints(operation, "window_strides"),
        dilations=ints(operation, "rhs_dilation"),
        low=[low for low, _ in padding],
        high=[high for _, high in padding],
        base_dilations=dilations,
    )


def cut(
    t: Translation,
    x: Node,
    axes: Sequence[int],
    dilations: list[int],
    padding: Sequence[tuple[int, int]],
) -> tuple[Node, list[tuple[int, int]]]:
    """x cropped by negative padding, and the remaining non-negative padding; `dilations` of x become 1 if it is cropped."""
    if all(low >= 0 and high >= 0 for low, high in padding):
        return x, list(padding)
    low, high, interior = ([0] * x.rank for _ in range(3))
    for axis, dilation, (before, after) in zip(axes, dilations, padding):
        low[axis], high[axis], interior[axis] = min(before, 0), min(after, 0), dilation - 1
    dilations[:] = [1] * len(dilations)
    rest = [(max(before, 0), max(after, 0)) for before, after in padding]
    return t.p.pad(x, low, high, 0, interior), rest
