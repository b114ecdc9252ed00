"""The gradient of batch normalization, from the inputs."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.shaping import reshape
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_mean, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.registry import raw


def _BatchNormGrad(
    grad_y: Any,
    x: Any,
    scale: Any,
    pop_mean: Any,
    pop_var: Any,
    epsilon: float,
    data_format: str | bytes,
    is_training: bool = True,
) -> tuple[Any, Any, Any]:
    """Returns the gradients of the input, the scale and the offset of a batch normalization.

    With y = scale * (x - mean) / sqrt(variance + epsilon) + offset, where mean and variance are those of x if training.
    """
    data_format = data_format.decode() if isinstance(data_format, bytes) else data_format
    channels = data_format.index("C") if data_format[1] != "C" else 1
    axes = [axis for axis in range(len(data_format)) if axis != channels]
    lead = [-1] + [1] * (len(data_format) - 1 - channels)

    def wide(tensor: Any) -> Any:
        return tensor if tensor.dtype == dtypes.float64 else cast(tensor, dtypes.float32)

    def spread(vector: Any) -> Any:
        return reshape(vector, lead)

    inputs, dy = wide(x), wide(grad_y)
    if is_training:
        mean = reduce_mean(inputs, axes)
        variance = reduce_mean(raw.SquaredDifference(x=inputs, y=spread(mean)), axes)
    else:
        mean, variance = wide(pop_mean), wide(pop_var)
    inverse = raw.Rsqrt(x=variance + epsilon)
    normal = (inputs - spread(mean)) * spread(inverse)
    of_scale, of_offset = reduce_sum(dy * normal, axes), reduce_sum(dy, axes)
    of_inputs = dy
    if is_training:
        by_variance = normal * spread(reduce_mean(dy * normal, axes))
        of_inputs = dy - spread(reduce_mean(dy, axes)) - by_variance
    of_inputs = of_inputs * spread(wide(scale) * inverse)
    return cast(of_inputs, x.dtype), of_scale, of_offset
