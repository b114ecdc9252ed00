"""Pooling layers, with the functions that make and call a layer in one step."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.nn.pooling import pool
from penstock._src.core.registry import raw
from penstock._src.v1.layers.arguments import (
    convert_data_format,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
)
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.input_spec import InputSpec


class _Pooling(Layer):
    """The maximum or the mean of windows of the inputs.

    Args:
      pool_size: the extents of the windows, or one for all axes.
      strides: the distances of the windows, or one for all axes.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
      name: of the layer.
      **kwargs: see `Layer`.
    """

    # The number of axes of windows, and "MAX" or "AVG".
    axes: int
    pooling_type: str

    def __init__(
        self, pool_size: Any, strides: Any, padding: str = "valid",
        data_format: str = "channels_last", name: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.pool_size = normalize_tuple(pool_size, self.axes, "pool_size")
        steps = pool_size if strides is None else strides
        self.strides = normalize_tuple(steps, self.axes, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.axes + 2)

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Pools the windows. Volumes are pooled with the channels last: TensorFlow's operation has no other form on CPUs."""
        moves = self.axes == 3 and self.data_format == "channels_first"
        if moves:
            inputs = raw.Transpose(x=inputs, perm=[0, 2, 3, 4, 1], name="transpose")
        data_format = "channels_last" if moves else self.data_format
        outputs = pool(
            inputs, self.pool_size, self.pooling_type, strides=self.strides,
            padding=self.padding.upper(),
            data_format=convert_data_format(data_format, self.axes + 2),
        )  # fmt: skip
        if not moves:
            return outputs
        return raw.Transpose(x=outputs, perm=[0, 4, 1, 2, 3], name="transpose")


class AveragePooling1D(_Pooling):
    axes, pooling_type, __doc__ = 1, "AVG", _Pooling.__doc__


class AveragePooling2D(_Pooling):
    axes, pooling_type, __doc__ = 2, "AVG", _Pooling.__doc__


class AveragePooling3D(_Pooling):
    axes, pooling_type, __doc__ = 3, "AVG", _Pooling.__doc__


class MaxPooling1D(_Pooling):
    axes, pooling_type, __doc__ = 1, "MAX", _Pooling.__doc__


class MaxPooling2D(_Pooling):
    axes, pooling_type, __doc__ = 2, "MAX", _Pooling.__doc__


class MaxPooling3D(_Pooling):
    axes, pooling_type, __doc__ = 3, "MAX", _Pooling.__doc__


def _function_of(kind: type[_Pooling], name: str) -> Callable[..., Any]:
    """Returns the function that applies a new layer."""

    def apply(
        inputs: Any,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: Any = None,
    ) -> Any:
        return kind(pool_size, strides, padding, data_format, name)(inputs)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"Applies a `{kind.__name__}` layer."
    return apply


average_pooling1d = _function_of(AveragePooling1D, "average_pooling1d")
average_pooling2d = _function_of(AveragePooling2D, "average_pooling2d")
average_pooling3d = _function_of(AveragePooling3D, "average_pooling3d")
max_pooling1d = _function_of(MaxPooling1D, "max_pooling1d")
max_pooling2d = _function_of(MaxPooling2D, "max_pooling2d")
max_pooling3d = _function_of(MaxPooling3D, "max_pooling3d")
