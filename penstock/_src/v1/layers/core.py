"""Dense layers, dropout and flattening, with the functions that make and call a layer in one step."""

from typing import Any

from penstock._src.api.internal import smart_cond
from penstock._src.api.linalg.products import matmul, tensordot
from penstock._src.api.nn.activations import dropout as dropped
from penstock._src.api.nn.normalization import bias_add
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.by_name import (
    activation as activation_of,
)
from penstock._src.v1.layers.by_name import (
    activation_name,
    initializer,
    initializer_config,
)
from penstock._src.v1.layers.input_spec import InputSpec
from penstock._src.v1.variables.initializers import Zeros


class Dense(Layer):
    """`activation(inputs @ kernel + bias)`, over the last axis.

    Args:
      units: the size of the outputs' last axis.
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
        self, units: int, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = None,
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, **kwargs)
        self.units, self.activation, self.use_bias = units, activation_of(activation), use_bias
        self.kernel_initializer = initializer(kernel_initializer)
        self.bias_initializer = initializer(bias_initializer) or Zeros()
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.activity_regularizer = activity_regularizer
        self.input_spec = InputSpec(min_ndim=2)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ValueError: the size of the inputs' last axis is unknown.
        """
        size = as_shape(input_shape)[-1]
        if size is None:
            raise ValueError(
                "The last dimension of the inputs to `Dense` should be defined. Found `None`."
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel", [size, self.units], initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.units], initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Computes the outputs."""
        rank = inputs.shape.rank
        if rank == 2 or rank is None:
            outputs = matmul(inputs, self.kernel)
        else:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])
            if STATE.graph is not None:
                outputs.set_shape(self.compute_output_shape(inputs.shape))
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape with `units` as its last size."""
        return as_shape(input_shape)[:-1].concatenate([self.units])

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activation_name(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializer_config(self.kernel_initializer),
            "bias_initializer": initializer_config(self.bias_initializer),
            **{
                name: getattr(self, name)
                for name in (
                    "kernel_regularizer", "bias_regularizer", "activity_regularizer",
                    "kernel_constraint", "bias_constraint",
                )
            },
        }  # fmt: skip


class Dropout(Layer):
    """Sets a share of the inputs to zero in training, and scales the others.

    Args:
      rate: the share.
      noise_shape: the shape of the random choices, that of the inputs by default.
      seed: of the random choices.
      name: of the layer.
      **kwargs: see `Layer`.
    """

    def __init__(
        self, rate: float = 0.5, noise_shape: Any = None, seed: int | None = None,
        name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False) -> Any:  # type: ignore[override]
        """Drops elements if `training`, which may be a tensor."""
        return smart_cond(
            training,
            lambda: dropped(inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed),
            lambda: raw.Identity(input=inputs),
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return as_shape(input_shape)


class Flatten(Layer):
    """Joins all axes but the first.

    Args:
      data_format: "channels_last", or "channels_first", whose channels are moved to the end.
      **kwargs: see `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Returns the inputs as [batch, size]."""
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = raw.Transpose(x=inputs, perm=[0, *range(2, rank), 1])
        shape = self.compute_output_shape(inputs.shape)
        if shape[1] is None:
            outputs = raw.Reshape(
                tensor=inputs, shape=raw.Pack(values=[raw.Shape(input=inputs)[0], -1], axis=0)
            )
        else:
            outputs = raw.Reshape(tensor=inputs, shape=[-1, shape[1]])
        outputs.set_shape(shape)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """[batch, the product of the other sizes]."""
        shape = as_shape(input_shape)
        if shape.rank is None:
            return as_shape([None, None])
        return as_shape([shape[0] if shape.rank else 1, shape[1:].num_elements()])


def dense(
    inputs: Any, units: int, *args: Any, name: Any = None, reuse: Any = None, **kwargs: Any
) -> Any:
    """Applies a new `Dense` layer, or an existing one's weights.

    Args:
      inputs: [..., size].
      units: the size of the outputs' last axis.
      *args: more arguments of `Dense`.
      name: the scope of the weights.
      reuse: whether weights that exist in the scope are shared.
      **kwargs: likewise.
    """
    return Dense(units, *args, name=name, _scope=name, _reuse=reuse, **kwargs)(inputs)


def dropout(
    inputs: Any, rate: float = 0.5, noise_shape: Any = None, seed: int | None = None,
    training: Any = False, name: Any = None,
) -> Any:  # fmt: skip
    """Applies a `Dropout` layer."""
    return Dropout(rate, noise_shape, seed, name=name)(inputs, training=training)


def flatten(inputs: Any, name: Any = None, data_format: str = "channels_last") -> Any:
    """Applies a `Flatten` layer."""
    return Flatten(name=name, data_format=data_format)(inputs)
