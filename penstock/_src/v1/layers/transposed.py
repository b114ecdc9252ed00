"""Transposed convolutions, with the functions that make and call a layer in one step."""

from typing import Any

from penstock._src.api.nn.convolution import conv2d_transpose as transposed_2d
from penstock._src.api.nn.convolution import conv3d_transpose as transposed_3d
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.v1.layers.arguments import convert_data_format, deconv_output_length
from penstock._src.v1.layers.convolutional import Conv, function_of
from penstock._src.v1.layers.input_spec import InputSpec


class _ConvTranspose(Conv):
    """`activation(transposed convolution(inputs, kernel) + bias)`: the gradient of a convolution for its inputs.

    Args:
      filters: the number of channels of the outputs.
      kernel_size: the extents of the kernel, or one for all axes.
      strides: the distances of the kernel's copies in the outputs, or one for all axes.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
      activation: a function or its name; none by default.
      use_bias: whether there is a bias.
      kernel_initializer: of the kernel, that of the scope by default.
      bias_initializer: of the bias; zeros by default.
      kernel_regularizer: a function of the kernel whose result is a loss.
      bias_regularizer: a function of the bias whose result is a loss.
      activity_regularizer: a function of the outputs whose result is a loss.
      kernel_constraint: what optimizers apply to the kernel.
      bias_constraint: what optimizers apply to the bias.
      trainable: whether the weights are trainable.
      name: the name of the scope of the weights.
      **kwargs: see `Layer`.
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = None,
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def _spec(self, axes: dict[int, int]) -> InputSpec:
        return InputSpec(ndim=self.axes + 2, axes=axes)

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs."""
        shape = raw.Shape(input=inputs)
        first = 2 if self.data_format == "channels_first" else 1
        sizes = [shape[0]]
        for axis, extent in enumerate(self.compute_output_shape(inputs.shape).as_list()):
            if axis and extent is None:
                span = axis - first
                extent = deconv_output_length(
                    shape[axis], self.kernel_size[span], self.padding, self.strides[span]
                )
            if axis:
                sizes.append(extent)
        outputs = (transposed_2d if self.axes == 2 else transposed_3d)(
            inputs, self.kernel, raw.Pack(values=sizes, axis=0), strides=self.strides,
            padding=self.padding.upper(),
            data_format=convert_data_format(self.data_format, self.axes + 2),
        )  # fmt: skip
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._activated(self._with_bias(outputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape with the extents that the kernel makes, and `filters` channels."""
        batch, _, extents = self._parts(as_shape(input_shape))
        spans = zip(extents, self.kernel_size, self.strides, strict=True)
        return self._shape_of(
            batch, [deconv_output_length(n, k, self.padding, s) for n, k, s in spans]
        )

    of_values = tuple(name for name in Conv.of_values if name != "dilation_rate")


class Conv2DTranspose(_ConvTranspose):
    axes, __doc__ = 2, _ConvTranspose.__doc__


class Conv3DTranspose(_ConvTranspose):
    axes, __doc__ = 3, _ConvTranspose.__doc__


conv2d_transpose, conv3d_transpose = function_of(Conv2DTranspose), function_of(Conv3DTranspose)
