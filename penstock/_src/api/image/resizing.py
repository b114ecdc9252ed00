"""Resizing, also with cropping and padding."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

from .geometry import (
    crop_to_bounding_box,
    extents_of,
    known,
    pad_to_bounding_box,
    require,
    vector,
    with_batch,
)


@export("image.ResizeMethod", v1=[])
class ResizeMethod:
    """Names of the interpolations of `tf.image.resize`.

    "area", "bicubic", "bilinear", "gaussian", "lanczos3", "lanczos5", "mitchellcubic" and
    "nearest".

    >>> tf.image.ResizeMethod.BICUBIC
    'bicubic'
    """

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


_SCALE_KERNELS = ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")


def _resize_batch(images, size, method, antialias, name):
    if method in _SCALE_KERNELS or antialias:
        kernel = {"bilinear": "triangle", "bicubic": "keyscubic"}.get(method, method)
        if method in ("nearest", "area"):
            return _resize_batch(images, size, method, False, name)
        images = cast(images, dtypes.float32)
        have = cast(raw.Shape(input=images)[1:3], dtypes.float32)
        scale = cast(convert_to_tensor(size), dtypes.float32) / have
        return raw.ScaleAndTranslate(
            images=images,
            size=size,
            scale=scale,
            translation=np.zeros(2, np.float32),
            kernel_type=kernel,
            antialias=antialias,
            name=name,
        )
    if method == "bilinear":
        return raw.ResizeBilinear(images=images, size=size, half_pixel_centers=True, name=name)
    if method == "nearest":
        return raw.ResizeNearestNeighbor(
            images=images, size=size, half_pixel_centers=True, name=name
        )
    if method == "bicubic":
        return raw.ResizeBicubic(images=images, size=size, half_pixel_centers=True, name=name)
    if method == "area":
        return raw.ResizeArea(images=images, size=size, name=name)
    raise ValueError(f"Resize method is not implemented: {method}")


@dispatchable("image.resize", v1=["image.resize_images_v2"], scope="resize")
def resize(
    images, size, method="bilinear", preserve_aspect_ratio=False, antialias=False, name=None
):
    """Returns images in another size.

    The result is float32, unless `method` is "nearest", which keeps the dtype.

    Args:
      images: `[batch, height, width, channels]` or `[height, width, channels]`.
      size: two int32 numbers: the new height and width.
      method: one of `tf.image.ResizeMethod`.
      preserve_aspect_ratio: if True, `size` is the greatest size, and images are not distorted.
      antialias: whether images that become smaller are smoothed first; not for "nearest" and
        "area".
      name: a name for the operation.

    Returns:
      A tensor of the rank of `images`.

    Raises:
      ValueError: the rank is another, or `size` is not two integers.

    >>> tf.image.resize([[[1.0], [3.0]]], [1, 4]).numpy().ravel()
    array([1. , 1.5, 2.5, 3. ], dtype=float32)
    >>> tf.image.resize(tf.zeros([4, 8, 3]), [2, 2], preserve_aspect_ratio=True).shape
    TensorShape([1, 2, 3])
    """
    images = convert_to_tensor(images, name="images")
    rank = images.shape.rank
    if rank is None:
        raise ValueError("'images' contains no shape.")
    if rank not in (3, 4):
        raise ValueError(
            f"'images' must have either 3 or 4 dimensions. Received shape {images.shape}."
        )
    try:
        size = convert_to_tensor(size, dtypes.int32, name="size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not size.shape.is_compatible_with([2]):
        raise ValueError(
            f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width. Received shape {size.shape}."
        )
    size = cast(size, dtypes.int32)
    batch = images if rank == 4 else raw.ExpandDims(input=images, axis=0)
    if preserve_aspect_ratio:
        size = _fitting(batch, size)
    known = get_static_value(size)
    # Scaling by these kernels is not the identity: some smooth, others round.
    is_same = known is not None and batch.shape.as_list()[1:3] == known.tolist()
    if is_same and method not in _SCALE_KERNELS:
        return images if method == "nearest" else cast(images, dtypes.float32)
    result = _resize_batch(batch, size, method, antialias, name)
    if known is not None:
        result.set_shape([None, int(known[0]), int(known[1]), None])
    return result if rank == 4 else raw.Squeeze(input=result, axis=[0])


def _fitting(batch, size):
    """The largest size within `size` that keeps the aspect ratio."""
    have = cast(raw.Shape(input=batch)[1:3], dtypes.float32)
    factor = raw.Min(input=cast(size, dtypes.float32) / have, axis=[0])
    return cast(raw.Round(x=have * factor), dtypes.int32)


def _at_least_zero(value):
    return raw.Maximum(x=value, y=np.int32(0)) if isinstance(value, Tensor) else max(value, 0)


def _smaller(a, b):
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return raw.Minimum(x=convert_to_tensor(a), y=convert_to_tensor(b))
    return min(a, b)


@dispatchable(
    "image.resize_with_crop_or_pad",
    v1=["image.resize_with_crop_or_pad", "image.resize_image_with_crop_or_pad"],
    scope="resize_image_with_crop_or_pad",
)
def resize_with_crop_or_pad(image, target_height, target_width):
    """Returns images cropped, or padded with black, around their center.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      target_height: an integer scalar.
      target_width: an integer scalar.

    Returns:
      A tensor of the target size.

    Raises:
      ValueError: the rank is another, or a size is not positive.

    >>> tf.image.resize_with_crop_or_pad(tf.ones([1, 2, 1]), 1, 4).numpy().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """

    def run(batch):
        rows, columns = known(target_height), known(target_width)
        require(columns > 0, "target_width must be > 0.")
        require(rows > 0, "target_height must be > 0.")
        height, width = extents_of(batch)
        more_rows, more_columns = rows - height, columns - width
        cropped = crop_to_bounding_box(
            batch,
            _at_least_zero(-more_rows // 2),
            _at_least_zero(-more_columns // 2),
            _smaller(rows, height),
            _smaller(columns, width),
        )
        return pad_to_bounding_box(
            cropped,
            _at_least_zero(more_rows // 2),
            _at_least_zero(more_columns // 2),
            rows,
            columns,
        )

    return with_batch(image, run)


@dispatchable("image.resize_with_pad", v1=[])
def resize_with_pad(image, target_height, target_width, method="bilinear", antialias=False):
    """Returns images resized without distortion to fit a size, the rest black.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      target_height: an integer scalar.
      target_width: an integer scalar.
      method: one of `tf.image.ResizeMethod`.
      antialias: whether images that become smaller are smoothed first.

    Returns:
      A tensor of the target size.

    Raises:
      ValueError: the rank is another, or a size is not positive.

    >>> tf.image.resize_with_pad(tf.ones([2, 4, 1]), 4, 4)[:, 0, 0].numpy()
    array([0., 1., 1., 0.], dtype=float32)
    """

    def resized(batch, size):
        return resize(batch, size, method, antialias=antialias)

    return resized_with_pad(image, target_height, target_width, resized)


def resized_with_pad(image, target_height, target_width, resized):
    """`resize_with_pad` by resized(batch, size)."""

    def run(batch):
        rows, columns = known(target_height), known(target_width)
        require(columns > 0, "target_width must be > 0.")
        require(rows > 0, "target_height must be > 0.")
        height, width = extents_of(batch)
        if all(isinstance(v, int) for v in (rows, columns, height, width)):
            number = np.float32
            ratio = max(number(width) / number(columns), number(height) / number(rows))
            fit = number(height) / ratio, number(width) / ratio
            size = [int(np.floor(f)) for f in fit]
            offsets = [
                max(0, int(np.floor((number(t) - f) / number(2))))
                for t, f in zip((rows, columns), fit, strict=True)
            ]
        else:
            have = cast(vector([height, width]), dtypes.float32)
            target = cast(vector([rows, columns]), dtypes.float32)
            fit = have / raw.Max(input=have / target, axis=[0])
            size = cast(raw.Floor(x=fit), dtypes.int32)
            spare = cast(raw.Floor(x=(target - fit) / np.float32(2)), dtypes.int32)
            spare = raw.Maximum(x=spare, y=np.int32(0))
            offsets = [spare[0], spare[1]]
        return pad_to_bounding_box(resized(batch, size), offsets[0], offsets[1], rows, columns)

    return with_batch(image, run)
