"""XLA's product and convolution with operands of two types, as in quantized SavedModels."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.shapes import unknown_shape
from penstock._src.core.typesets import INDEX, NUMBER
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.rules import dims_of, show, value_of
from penstock._src.ops.xla.products import (
    ConvolutionLayout,
    ConvolutionWindow,
    convolve,
    dot_spec,
)
from penstock._src.proto.layout import ConvolutionDimensionNumbers, DotDimensionNumbers


def _now(op, *arrays):
    """The result of an op's lowering for arrays."""
    p = ImmediateBuilder()
    return np.array(p.value(op.lower(p, *map(p.constant, arrays))))


def _positions(extent, size, stride, edges, base_dilation, dilation):
    """The number of positions of a window along an axis."""
    room = sum(edges) + (max(extent - 1, 0) * base_dilation + min(extent, 1))
    return max((room - ((size - 1) * dilation + 1)) // stride + 1, 0)


class XlaDotV2(Op):
    """The sums of products along the axes that `dimension_numbers` contracts, in `preferred_element_type`."""

    signature = "lhs: LhsT, rhs: RhsT -> output: preferred_element_type"
    LhsT = NUMBER
    RhsT = NUMBER
    dimension_numbers: bytes
    precision_config: bytes
    preferred_element_type: NUMBER

    def axes(self):
        """((batch axes, contracted axes) of lhs, those of rhs)."""
        numbers = DotDimensionNumbers.FromString(self.dimension_numbers)
        return (
            (list(numbers.lhs_batch_dimensions), list(numbers.lhs_contracting_dimensions)),
            (list(numbers.rhs_batch_dimensions), list(numbers.rhs_contracting_dimensions)),
        )

    def check(self, left, right):
        """Refuses shapes whose paired axes differ."""
        for pairs in zip(*self.axes(), strict=True):
            if len(pairs[0]) != len(pairs[1]):
                raise self.invalid("as many axes of lhs as of rhs are needed.")
            for i, j in zip(*pairs, strict=True):
                if not (0 <= i < len(left) and 0 <= j < len(right)):
                    raise self.invalid(
                        f"axes {i} and {j} are not in {show(left)} and {show(right)}."
                    )
                if left[i] is not None and right[j] is not None and left[i] != right[j]:
                    raise self.invalid(
                        f"axes {i} and {j} of {show(left)} and {show(right)} must be equal."
                    )

    def shape(self, lhs, rhs):
        if lhs.rank is None or rhs.rank is None:
            return None
        left, right = lhs.as_list(), rhs.as_list()
        self.check(left, right)
        axes = self.axes()
        free = [
            [n for i, n in enumerate(shape) if i not in {*batch, *summed}]
            for shape, (batch, summed) in zip((left, right), axes, strict=True)
        ]
        return [*(left[i] for i in axes[0][0]), *free[0], *free[1]]

    def eager(self, lhs, rhs):
        self.check(lhs.shape, rhs.shape)
        return _now(self, lhs, rhs)

    def lower(self, p, lhs, rhs):
        spec = dot_spec((lhs.rank, rhs.rank), *self.axes())
        dtype = self.preferred_element_type
        return p.contract(spec, p.cast(lhs, dtype), p.cast(rhs, dtype))


class XlaConvV2(Op):
    """A convolution of any layout, stride, padding, dilation and number of groups, summed in `preferred_element_type`."""

    signature = """lhs: LhsT, rhs: RhsT, window_strides: Tindices, padding: Tindices,
        lhs_dilation: Tindices, rhs_dilation: Tindices, feature_group_count: Tindices
        -> output: preferred_element_type"""
    LhsT = NUMBER
    RhsT = NUMBER
    Tindices = INDEX
    dimension_numbers: bytes
    precision_config: bytes
    preferred_element_type: NUMBER
    batch_group_count: int = 1

    def layout(self):
        """The axes that `dimension_numbers` names."""
        numbers = ConvolutionDimensionNumbers.FromString(self.dimension_numbers)
        return ConvolutionLayout(
            input=(
                numbers.input_batch_dimension,
                *numbers.input_spatial_dimensions,
                numbers.input_feature_dimension,
            ),
            kernel=(
                *numbers.kernel_spatial_dimensions,
                numbers.kernel_input_feature_dimension,
                numbers.kernel_output_feature_dimension,
            ),
            output=(
                numbers.output_batch_dimension,
                *numbers.output_spatial_dimensions,
                numbers.output_feature_dimension,
            ),
        )

    def check(self, left, right, groups):
        """Refuses operands that do not fit the layout or one another."""
        layout = self.layout()
        for name, shape, axes in (("lhs", left, layout.input), ("rhs", right, layout.kernel)):
            if sorted(axes) != list(range(len(shape))):
                raise self.invalid(f"dimension_numbers do not fit {name} of shape {show(shape)}.")
        features, wanted = left[layout.input[-1]], right[layout.kernel[-2]]
        if None in (groups, features, wanted):
            return
        if groups < 1 or features != wanted * groups:
            raise self.invalid(
                f"the input's {features} features do not fit {groups} groups of the kernel's {wanted}. "
                f"Received lhs {show(left)}, rhs {show(right)}."
            )

    def shape(self, lhs, rhs, *window):
        layout = self.layout()
        if rhs.rank is None or lhs.rank is None:
            return unknown_shape(len(layout.output))
        left, right = lhs.as_list(), rhs.as_list()
        self.check(left, right, None)
        batch = left[layout.input[0]]
        spatial = [None] * (len(layout.output) - 2)
        values = [each.value for each in window[:4]]
        if all(value is not None for value in values):
            extents = [(left[i], right[j]) for i, j in zip(layout.input[1:-1], layout.kernel[:-2])]
            spatial = [
                None if n is None or size is None else _positions(n, size, *numbers)
                for (n, size), *numbers in zip(extents, *(v.tolist() for v in values))
            ]
        sizes = [None] * len(layout.output)
        whole = None if batch is None else batch // self.batch_group_count
        for axis, size in zip(layout.output, [whole, *spatial, right[layout.kernel[-1]]]):
            sizes[axis] = size
        return sizes

    def eager(self, lhs, rhs, *window):
        return _now(self, lhs, rhs, *window)

    def lower(self, p, lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, groups):
        count = int(value_of(p, groups, "the number of groups"))
        self.check(lhs.shape, rhs.shape, count)
        flat = p.reshape(padding, [2 * (lhs.rank - 2)])
        edges = dims_of(p, flat, "the padding")
        strides, before, after = (
            dims_of(p, v, "the window") for v in (window_strides, lhs_dilation, rhs_dilation)
        )
        window = ConvolutionWindow(
            strides=strides,
            padding=list(zip(edges[::2], edges[1::2], strict=True)),
            base_dilations=before,
            dilations=after,
            feature_groups=count,
            batch_groups=self.batch_group_count,
        )
        dtype = self.preferred_element_type
        return convolve(p, self.layout(), window, p.cast(lhs, dtype), p.cast(rhs, dtype))
