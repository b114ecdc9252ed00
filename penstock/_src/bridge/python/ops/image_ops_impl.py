"""`tensorflow.python.ops.image_ops_impl`: padding without checks, and the checks of pairs of images."""

from __future__ import annotations

from typing import Any

from penstock._src.api.image.geometry import pad_to_bounding_box_internal
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def _verify_compatible_image_shapes(img1: Any, img2: Any) -> tuple[Any, Any, list[Tensor]]:
    """Checks that two stacks of images can be compared.

    Args:
      img1: `[..., height, width, channels]`.
      img2: images of the same size.

    Returns:
      The shapes of both, and what fails at run time if they do not fit.

    Raises:
      ValueError: that is known before.
    """
    shapes = [convert_to_tensor(image).shape for image in (img1, img2)]
    for shape in shapes:
        shape.with_rank_at_least(3)
    if all(shape.rank is not None for shape in shapes) and not shapes[0][-3:].is_compatible_with(
        shapes[1][-3:]
    ):
        raise ValueError(f"Shapes {shapes[0]} and {shapes[1]} are incompatible")
    first, second = (raw.Shape(input=image) for image in (img1, img2))
    checks = [
        raw.Assert(condition=raw.GreaterEqual(x=raw.Size(input=first), y=3), data=[first, second]),
        raw.Assert(
            condition=raw.All(input=raw.Equal(x=first[-3:], y=second[-3:]), axis=[0]),
            data=[first, second],
        ),
    ]
    return shapes[0], shapes[1], checks


__all__ = ["_verify_compatible_image_shapes", "pad_to_bounding_box_internal"]
