"""Convolutional layers, with the functions that make and call a layer in one step."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.nn.convolution import convolution
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.v1.layers.arguments import (
    conv_output_length,
    convert_data_format,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
)
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.by_name import activation as activation_of
from penstock._src.v1.layers.by_name import activation_name, initializer, initializer_config
from penstock._src.v1.layers.input_spec import InputSpec
from penstock._src.v1.layers.keras_layer import name_of_class
from penstock._src.v1.variables.initializers import Zeros


class Conv(Layer):
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
        self.padding = normalize_padding(padding, *(["causal"] if self.axes == 1 else []))
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
        self.input_spec = self._spec({axis: channels})
        self._add_kernels(channels)
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.filters], initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def _spec(self, axes: dict[int, int]) -> InputSpec:
        return InputSpec(min_ndim=self.axes + 2, axes=axes)

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self.add_weight(
            "kernel", self._kernel_shape(channels), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs."""
        inputs, padding = self._padded(inputs)
        outputs = convolution(
            inputs, self.kernel, strides=self.strides, padding=padding,
            data_format=convert_data_format(self.data_format, self.axes + 2),
            dilations=self.dilation_rate, name=type(self).__name__,
        )  # fmt: skip
        return self._activated(self._with_bias(outputs))

    def _padded(self, inputs: Any) -> tuple[Any, str]:
        """The inputs, and the padding of the operation; causal padding puts zeros before the inputs."""
        if self.padding != "causal":
            return inputs, self.padding.upper()
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        paddings = [[0, 0], [before, 0], [0, 0]]
        if self.data_format == "channels_first":
            paddings = [[0, 0], [0, 0], [before, 0]]
        return raw.Pad(input=inputs, paddings=paddings), "VALID"

    def _activated(self, outputs: Any) -> Any:
        return outputs if self.activation is None else self.activation(outputs)

    def _with_bias(self, outputs: Any) -> Any:
        if self.bias is None:
            return outputs
        is_first = self.data_format == "channels_first"
        layout = "NCHW" if is_first else "NHWC"
        return raw.BiasAdd(value=outputs, bias=self.bias, data_format=layout, name="BiasAdd")

    def compute_output_shape(self, input_shape: Any) -> Any:  # type: ignore[override]
        """The inputs' shape with the extents that the kernel leaves, and `filters` channels."""
        batch, channels, extents = self._parts(input_shape)
        del channels
        spans = zip(
            extents, self.kernel_size, self.strides, self.dilation_rate, strict=True
        )  # fmt: skip
        return self._shape_of(
            batch, [conv_output_length(n, k, self.padding, s, d) for n, k, s, d in spans]
        )

    def _parts(self, shape: Any) -> tuple[int | None, int | None, list[int | None]]:
        """The batch size, the number of channels and the other extents of a shape."""
        batch, *extents = as_shape(shape).as_list()
        channels = extents.pop(0 if self.data_format == "channels_first" else -1)
        return batch, channels, extents

    def _shape_of(self, batch: int | None, extents: Sequence[int | None]) -> Any:
        first = self.data_format == "channels_first"
        sizes = [self.filters, *extents] if first else [*extents, self.filters]
        return as_shape([batch, *sizes])

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the layer."""
        initializers = {
            name: initializer_config(getattr(self, name)) for name in self.of_initializers
        }
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in self.of_values},
            "activation": activation_name(self.activation),
            **initializers,
        }

    # The arguments of the constructor that `get_config` returns as they are, and those that are initializers.
    of_values: tuple[str, ...] = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias",
        "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "bias_constraint",
    )  # fmt: skip
    of_initializers: tuple[str, ...] = ("kernel_initializer", "bias_initializer")


class Conv1D(Conv):
    axes, __doc__ = 1, Conv.__doc__


class Conv2D(Conv):
    axes, __doc__ = 2, Conv.__doc__


class Conv3D(Conv):
    axes, __doc__ = 3, Conv.__doc__


def function_of(kind: type[Conv]) -> Callable[..., Any]:
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

    apply.__name__ = apply.__qualname__ = name_of_class(kind.__name__)
    apply.__doc__ = f"Applies a new `{kind.__name__}` layer, or an existing one's weights."
    return apply


conv1d, conv2d, conv3d = function_of(Conv1D), function_of(Conv2D), function_of(Conv3D)
