"""Separable convolutions: each channel separately, then combinations of the results."""

from typing import Any

from penstock._src.api.nn.convolution import separable_conv2d as separable
from penstock._src.core.registry import raw
from penstock._src.v1.layers.arguments import convert_data_format
from penstock._src.v1.layers.by_name import initializer
from penstock._src.v1.layers.convolutional import Conv, function_of


class _SeparableConv(Conv):
    """`activation(pointwise convolution(depthwise convolution(inputs)) + bias)`.

    Args:
      filters: the number of channels of the outputs.
      kernel_size: the extents of the depthwise kernel, or one for all axes.
      strides: the steps of the kernel, or one for all axes.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
      dilation_rate: the distances of the kernel's elements, or one for all axes.
      depth_multiplier: the number of results for each channel of the inputs.
      activation: a function or its name; none by default.
      use_bias: whether there is a bias.
      depthwise_initializer: of the depthwise kernel, that of the scope by default.
      pointwise_initializer: of the pointwise kernel, that of the scope by default.
      bias_initializer: of the bias; zeros by default.
      depthwise_regularizer: a function of the depthwise kernel whose result is a loss.
      pointwise_regularizer: a function of the pointwise kernel whose result is a loss.
      bias_regularizer: a function of the bias whose result is a loss.
      activity_regularizer: a function of the outputs whose result is a loss.
      depthwise_constraint: what optimizers apply to the depthwise kernel.
      pointwise_constraint: what optimizers apply to the pointwise kernel.
      bias_constraint: what optimizers apply to the bias.
      trainable: whether the weights are trainable.
      name: the name of the scope of the weights.
      **kwargs: see `Layer`.
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None,
        pointwise_initializer: Any = None, bias_initializer: Any = None,
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, None, bias_initializer, None, bias_regularizer, activity_regularizer, None,
            bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializer(depthwise_initializer)
        self.pointwise_initializer = initializer(pointwise_initializer)
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint

    def _add_kernels(self, channels: int) -> None:
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", [*self.kernel_size, channels, self.depth_multiplier],
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            [*[1] * self.axes, channels * self.depth_multiplier, self.filters],
            initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )  # fmt: skip

    of_values = (
        *(name for name in Conv.of_values if not name.startswith("kernel_") or name == "kernel_size"),
        "depth_multiplier", "depthwise_regularizer", "pointwise_regularizer",
        "depthwise_constraint", "pointwise_constraint",
    )  # fmt: skip
    of_initializers = ("depthwise_initializer", "pointwise_initializer", "bias_initializer")


class SeparableConv1D(_SeparableConv):
    axes, __doc__ = 1, _SeparableConv.__doc__

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs, as those of images with one row."""
        inputs, padding = self._padded(inputs)
        is_first = self.data_format == "channels_first"
        row = 2 if is_first else 1
        step = self.strides * 2
        outputs = separable(
            raw.ExpandDims(input=inputs, axis=row),
            raw.ExpandDims(input=self.depthwise_kernel, axis=0),
            raw.ExpandDims(input=self.pointwise_kernel, axis=0),
            strides=(1, 1, *step) if is_first else (1, *step, 1),
            padding=padding,
            data_format=convert_data_format(self.data_format, 4),
            dilations=(1, *self.dilation_rate),
        )
        outputs = raw.Squeeze(input=self._with_bias(outputs), axis=[row])
        return self._activated(outputs)


class SeparableConv2D(_SeparableConv):
    axes, __doc__ = 2, _SeparableConv.__doc__

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs."""
        is_first = self.data_format == "channels_first"
        outputs = separable(
            inputs, self.depthwise_kernel, self.pointwise_kernel,
            strides=(1, 1, *self.strides) if is_first else (1, *self.strides, 1),
            padding=self.padding.upper(), data_format=convert_data_format(self.data_format, 4),
            dilations=self.dilation_rate,
        )  # fmt: skip
        return self._activated(self._with_bias(outputs))


separable_conv1d, separable_conv2d = function_of(SeparableConv1D), function_of(SeparableConv2D)
