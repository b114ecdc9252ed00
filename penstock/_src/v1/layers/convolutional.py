"""Convolutional layers, with the functions that make and call a layer in one step."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.nn.convolution import convolution
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.v1.layers.arguments import (
    convert_data_format,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
)
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.by_name import activation as activation_of
from penstock._src.v1.layers.by_name import initializer
from penstock._src.v1.layers.input_spec import InputSpec
from penstock._src.v1.variables.initializers import Zeros


class _Conv(Layer):
    """`activation(convolution(inputs, kernel) + bias)`.

    Args:
      filters: the number of channels of the outputs.
      kernel_size: the extents of the kernel, or one for all axes.
      strides: the steps of the kernel, or one for all axes.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
      dilation_rate: the distances of the kernel's elements, or one for all axes.
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

    # The number of axes that the kernel moves along.
    axes: int

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None,
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, **kwargs)
        self.filters, self.rank = filters, self.axes
        self.kernel_size = normalize_tuple(kernel_size, self.axes, "kernel_size")
        self.strides = normalize_tuple(strides, self.axes, "strides")
        self.dilation_rate = normalize_tuple(dilation_rate, self.axes, "dilation_rate")
        self.padding = normalize_padding(padding)
        self.data_format = normalize_data_format(data_format)
        self.activation, self.use_bias = activation_of(activation), use_bias
        self.kernel_initializer = initializer(kernel_initializer)
        self.bias_initializer = initializer(bias_initializer) or Zeros()
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.activity_regularizer = activity_regularizer
        self.input_spec = InputSpec(min_ndim=self.axes + 2)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ValueError: the number of the inputs' channels is unknown.
        """
        axis = 1 if self.data_format == "channels_first" else -1
        channels = as_shape(input_shape)[axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=self.axes + 2, axes={axis: channels})
        self.kernel = self.add_weight(
            "kernel", [*self.kernel_size, channels, self.filters],
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.filters], initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs."""
        outputs = convolution(
            inputs, self.kernel, strides=self.strides, padding=self.padding.upper(),
            data_format=convert_data_format(self.data_format, self.axes + 2),
            dilations=self.dilation_rate, name=type(self).__name__,
        )  # fmt: skip
        if self.bias is not None:
            outputs = self._with_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)

    def _with_bias(self, outputs: Any) -> Any:
        is_first = self.data_format == "channels_first"
        layout = "NCHW" if is_first else "NHWC"
        return raw.BiasAdd(value=outputs, bias=self.bias, data_format=layout, name="BiasAdd")


class Conv1D(_Conv):
    axes, __doc__ = 1, _Conv.__doc__


class Conv2D(_Conv):
    axes, __doc__ = 2, _Conv.__doc__


class Conv3D(_Conv):
    axes, __doc__ = 3, _Conv.__doc__


def _function_of(kind: type[_Conv]) -> Callable[..., Any]:
    """Returns the function that applies a new layer, or an existing one's weights."""

    def apply(
        inputs: Any,
        filters: int,
        kernel_size: Any,
        *args: Any,
        name: Any = None,
        reuse: Any = None,
        **kwargs: Any,
    ) -> Any:
        layer = kind(filters, kernel_size, *args, name=name, _reuse=reuse, _scope=name, **kwargs)
        return layer(inputs)

    apply.__name__ = apply.__qualname__ = kind.__name__.lower()
    apply.__doc__ = f"Applies a new `{kind.__name__}` layer, or an existing one's weights."
    return apply


conv1d, conv2d, conv3d = _function_of(Conv1D), _function_of(Conv2D), _function_of(Conv3D)
