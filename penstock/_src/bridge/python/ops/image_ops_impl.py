"""`tensorflow.python.ops.image_ops_impl`: padding without checks, and the checks of images and of pairs of them."""

from __future__ import annotations

from typing import Any

from penstock._src.api.debugging.asserts import assert_greater_equal, assert_positive
from penstock._src.api.image.geometry import pad_to_bounding_box_internal
from penstock._src.bridge.python.ops.control_flow_ops import with_dependencies
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor


def _ImageDimensions(image: Any, rank: int) -> list[Any]:
    """Returns the extents of an image of this rank: integers where they are known, else scalar tensors."""
    known = image.get_shape()
    if known.is_fully_defined():
        return list(known.as_list())
    extents = raw.Unpack(value=raw.Shape(input=image), num=rank)
    return [
        dynamic if static is None else static
        for static, dynamic in zip(known.with_rank(rank).as_list(), extents, strict=True)
    ]


def _Check3DImage(image: Any, require_static: bool = True) -> list[Any]:
    """Returns what fails at run time if a tensor is not an image of three extents.

    Raises:
      ValueError: that is known before, or extents are unknown with `require_static`.
    """
    try:
        known = image.get_shape().with_rank(3)
    except ValueError:
        raise ValueError(f"'image' (shape {image.shape}) must be three-dimensional.") from None
    _check_static(known, known, require_static, "all dims")
    if known.is_fully_defined():
        return []
    return [assert_positive(raw.Shape(input=image), ["all dims of 'image.shape' must be > 0."])]


def _Assert3DImage(image: Any) -> Any:
    """Returns an image of three extents, whose extents are checked before it is used."""
    return with_dependencies(_Check3DImage(image, require_static=False), image)


def _CheckAtLeast3DImage(image: Any, require_static: bool = True) -> list[Any]:
    """Returns what fails at run time if a tensor is not a stack of images.

    Raises:
      ValueError: that is known before, or extents are unknown with `require_static`.
    """
    shape = image.get_shape()
    try:
        # As in TensorFlow, a tensor of unknown rank is taken for one image.
        known = shape.with_rank(3) if shape.rank is None else shape.with_rank_at_least(3)
    except ValueError:
        raise ValueError(
            f"'image' (shape {image.shape}) must be at least three-dimensional."
        ) from None
    _check_static(known, known[-3:], require_static, "inner 3 dims")
    if known[-3:].is_fully_defined():
        return []
    return [
        assert_positive(
            raw.Shape(input=image)[-3:], ["inner 3 dims of 'image.shape' must be > 0."]
        ),
        assert_greater_equal(
            raw.Rank(input=image), 3, message="'image' must be at least three-dimensional."
        ),
    ]


def _AssertAtLeast3DImage(image: Any) -> Any:
    """Returns a stack of images, whose extents are checked before it is used."""
    return with_dependencies(_CheckAtLeast3DImage(image, require_static=False), image)


def _check_static(known: TensorShape, inner: TensorShape, require_static: bool, dims: str) -> None:
    """Raises ValueError if known extents are 0, or unknown ones are not allowed."""
    if require_static and not known.is_fully_defined():
        raise ValueError("'image' must be fully defined.")
    if any(extent == 0 for extent in inner):
        raise ValueError(f"{dims} of 'image.shape' must be > 0: {known}")


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


__all__ = [
    "_Assert3DImage",
    "_AssertAtLeast3DImage",
    "_Check3DImage",
    "_CheckAtLeast3DImage",
    "_ImageDimensions",
    "_verify_compatible_image_shapes",
    "pad_to_bounding_box_internal",
]
