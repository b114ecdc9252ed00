"""Products: dot_general, convolutions, einsums."""

from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node
from penstock._src.ops.xla.products import (
    ConvolutionLayout,
    ConvolutionWindow,
    convolve,
    dot_spec,
)
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
    axes = [
        (
            ints(operation, f"{side}_batching_dimensions"),
            ints(operation, f"{side}_contracting_dimensions"),
        )
        for side in ("lhs", "rhs")
    ]
    spec = dot_spec((x.rank, y.rank), *axes)
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
    return _convolved(t, operation, x, kernel, padding)


@translates("dynamic_conv")
def dynamic_convolution(
    t: Translation, operation: HloOperation, x: Node, kernel: Node, padding: Node
) -> Node:
    """A convolution with computed padding."""
    numbers = t.extents(padding, "padding")
    return _convolved(t, operation, x, kernel, list(zip(numbers[::2], numbers[1::2])))


def _convolved(
    t: Translation,
    operation: HloOperation,
    x: Node,
    kernel: Node,
    padding: Sequence[tuple[int, int]],
) -> Node:
    dtype, number = result_dtype(operation), operation.attribute
    layout = ConvolutionLayout(
        input=(
            number("input_batch_dimension"),
            *ints(operation, "input_spatial_dimensions"),
            number("input_feature_dimension"),
        ),
        kernel=(
            *ints(operation, "kernel_spatial_dimensions"),
            number("kernel_input_feature_dimension"),
            number("kernel_output_feature_dimension"),
        ),
        output=(
            number("output_batch_dimension"),
            *ints(operation, "output_spatial_dimensions"),
            number("output_feature_dimension"),
        ),
    )
    window = ConvolutionWindow(
        strides=ints(operation, "window_strides"),
        padding=padding,
        base_dilations=ints(operation, "lhs_dilation"),
        dilations=ints(operation, "rhs_dilation"),
        reversed_axes=[i for i, r in enumerate(ints(operation, "window_reversal")) if r],
        feature_groups=number("feature_group_count"),
        batch_groups=number("batch_group_count"),
    )
    return convolve(t.p, layout, window, converted(t, x, dtype), converted(t, kernel, dtype))
