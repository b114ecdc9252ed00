"""Resizing, cropping, padding, flipping and rotating."""

import functools

import numpy as np

from penstock._src.api.control.conditionals import switch_case
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export


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


def with_batch(image, run):
    """Runs `run` on a batch; a single image, or one of unknown rank, is converted to a batch of one."""
    image = convert_to_tensor(image, name="image")
    rank = image.shape.rank
    if rank is None:
        batch = raw.ExpandDims(input=image, axis=0)
        batch.set_shape([None] * 4)
        return raw.Squeeze(input=run(batch), axis=[0])
    if rank == 3:
        return raw.Squeeze(input=run(raw.ExpandDims(input=image, axis=0)), axis=[0])
    if rank != 4:
        raise ValueError(
            "'image' (shape %s) must have either 3 or 4 dimensions." % (image.shape,)  # noqa: UP031
        )
    return run(image)


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
        raise ValueError("'images' must have either 3 or 4 dimensions.")
    try:
        size = convert_to_tensor(size, dtypes.int32, name="size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not size.shape.is_compatible_with([2]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    size = cast(size, dtypes.int32)
    batch = images if rank == 4 else raw.ExpandDims(input=images, axis=0)
    if preserve_aspect_ratio:
        size = _fitting(batch, size)
    known = get_static_value(size)
    if known is not None and batch.shape.as_list()[1:3] == known.tolist():
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


def _extents(image):
    """Height and width: ints where known, else tensors."""
    static = image.shape.as_list()
    if None not in static[-3:-1]:
        return static[-3], static[-2]
    dynamic = raw.Shape(input=image)
    rank = len(static)
    return tuple(static[a] if static[a] is not None else dynamic[a] for a in (rank - 3, rank - 2))


def _known(value):
    """An int for ints and static tensors; else the tensor."""
    if isinstance(value, Tensor):
        static = get_static_value(value)
        return value if static is None else int(static)
    return int(value)


def _require(condition, message):
    if isinstance(condition, Tensor):
        raw.Assert(condition=condition, data=[convert_to_tensor(message)])
    elif not condition:
        raise ValueError(message)


@dispatchable("image.crop_to_bounding_box", scope="crop_to_bounding_box")
def crop_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """Returns a window of images.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      offset_height: the row where the window starts.
      offset_width: the column where the window starts.
      target_height: the rows of the window.
      target_width: the columns of the window.

    Returns:
      A tensor of the target size.

    Raises:
      ValueError: the window does not lie within the image.

    >>> tf.image.crop_to_bounding_box(tf.reshape(tf.range(9), [3, 3, 1]), 1, 0, 2, 2)[:, :, 0].numpy()
    array([[3, 4],
           [6, 7]], dtype=int32)
    """

    def run(batch):
        height, width = _extents(batch)
        top, left = _known(offset_height), _known(offset_width)
        rows, columns = _known(target_height), _known(target_width)
        _require(left >= 0, "offset_width must be >= 0.")
        _require(top >= 0, "offset_height must be >= 0.")
        _require(columns > 0, "target_width must be > 0.")
        _require(rows > 0, "target_height must be > 0.")
        _require(width >= columns + left, "width must be >= target + offset.")
        _require(height >= rows + top, "height must be >= target + offset.")
        begin = _vector([0, top, left, 0])
        size = _vector([-1, rows, columns, -1])
        result = raw.Slice(input=batch, begin=begin, size=size)
        static = [batch.shape[0], *[v if isinstance(v, int) else None for v in (rows, columns)]]
        result.set_shape([*static, batch.shape[3]])
        return result

    return with_batch(image, run)


def _vector(values):
    if all(isinstance(v, int) for v in values):
        return np.array(values, np.int32)
    return raw.Pack(
        values=[cast(v, dtypes.int32) if isinstance(v, Tensor) else np.int32(v) for v in values]
    )


@dispatchable("image.pad_to_bounding_box")
def pad_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """Returns images placed into black ones of a size.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      offset_height: how many black rows stand above.
      offset_width: how many black columns stand to the left.
      target_height: the rows of the result.
      target_width: the columns of the result.

    Returns:
      A tensor of the target size.

    Raises:
      ValueError: the image does not fit.

    >>> tf.image.pad_to_bounding_box(tf.ones([1, 2, 1]), 1, 1, 3, 3)[:, :, 0].numpy()
    array([[0., 0., 0.],
           [0., 1., 1.],
           [0., 0., 0.]], dtype=float32)
    """

    def run(batch):
        height, width = _extents(batch)
        top, left = _known(offset_height), _known(offset_width)
        below = _known(target_height) - top - height
        right = _known(target_width) - left - width
        _require(top >= 0, "offset_height must be >= 0")
        _require(left >= 0, "offset_width must be >= 0")
        _require(right >= 0, "width must be <= target - offset")
        _require(below >= 0, "height must be <= target - offset")
        paddings = raw.Reshape(tensor=_vector([0, 0, top, below, left, right, 0, 0]), shape=[4, 2])
        result = raw.Pad(input=batch, paddings=paddings)
        static = [_known(v) for v in (target_height, target_width)]
        static = [v if isinstance(v, int) else None for v in static]
        result.set_shape([batch.shape[0], *static, batch.shape[3]])
        return result

    return with_batch(image, run)


def _at_least_zero(value):
    return raw.Maximum(x=value, y=np.int32(0)) if isinstance(value, Tensor) else max(value, 0)


def _smaller(a, b):
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return raw.Minimum(x=convert_to_tensor(a), y=convert_to_tensor(b))
    return min(a, b)


@dispatchable(
    "image.resize_with_crop_or_pad",
    v1=["image.resize_with_crop_or_pad", "image.resize_image_with_crop_or_pad"],
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
        rows, columns = _known(target_height), _known(target_width)
        _require(columns > 0, "target_width must be > 0.")
        _require(rows > 0, "target_height must be > 0.")
        height, width = _extents(batch)
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

    def run(batch):
        rows, columns = _known(target_height), _known(target_width)
        _require(columns > 0, "target_width must be > 0.")
        _require(rows > 0, "target_height must be > 0.")
        height, width = _extents(batch)
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
            have = cast(_vector([height, width]), dtypes.float32)
            target = cast(_vector([rows, columns]), dtypes.float32)
            fit = have / raw.Max(input=have / target, axis=[0])
            size = cast(raw.Floor(x=fit), dtypes.int32)
            spare = cast(raw.Floor(x=(target - fit) / np.float32(2)), dtypes.int32)
            spare = raw.Maximum(x=spare, y=np.int32(0))
            offsets = [spare[0], spare[1]]
        resized = resize(batch, size, method, antialias=antialias)
        return pad_to_bounding_box(resized, offsets[0], offsets[1], rows, columns)

    return with_batch(image, run)


@dispatchable("image.central_crop", scope="central_crop")
def central_crop(image, central_fraction):
    """Returns the middle of images.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      central_fraction: the part of each side that is kept: above 0, at most 1.

    Returns:
      A tensor of the same rank and dtype.

    Raises:
      ValueError: the fraction is out of range, or the rank is another.
      InvalidArgumentError: a fraction that a tensor has at run time is out of range.

    >>> tf.image.central_crop(tf.reshape(tf.range(16), [4, 4, 1]), 0.5)[:, :, 0].numpy()
    array([[ 5,  6],
           [ 9, 10]], dtype=int32)
    """
    image = convert_to_tensor(image, name="image")
    fraction = (
        get_static_value(central_fraction)
        if isinstance(central_fraction, Tensor)
        else (central_fraction)
    )
    if fraction is not None:
        fraction = float(fraction)
        if fraction <= 0.0 or fraction > 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if fraction == 1.0:
            return image
    if image.shape.rank not in (3, 4):
        raise ValueError(
            "`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = "
            f"{image.shape.rank}."
        )
    height, width = _extents(image)
    begin, size = [], []
    for extent in (height, width):
        if isinstance(extent, int) and fraction is not None:
            start = int((extent - extent * fraction) / 2)
        else:
            length = cast(extent, dtypes.float64)
            part = cast(central_fraction if fraction is None else fraction, dtypes.float64)
            start = cast((length - length * part) / np.float64(2), dtypes.int32)
        begin.append(start)
        size.append(extent - start * 2)
    lead = [0] * (image.shape.rank - 3)
    result = raw.Slice(
        input=image,
        begin=_vector([*lead, *begin, 0]),
        size=_vector([*[-1 for _ in lead], *size, -1]),
    )
    if STATE.graph is not None:
        extents = [n if isinstance(n, int) else None for n in size]
        result.set_shape([*image.shape[: len(lead)], *extents, image.shape[-1]])
    return result


def _reversed(image, axis_from_end, name=None):
    image = convert_to_tensor(image, name="image")
    rank = image.shape.rank
    if rank not in (None, 3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    return raw.ReverseV2(tensor=image, axis=[-axis_from_end], name=name)


@dispatchable("image.flip_left_right", scope="flip_left_right")
def flip_left_right(image):
    """Returns images mirrored from left to right.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: the rank is another.

    >>> tf.image.flip_left_right([[[1], [2], [3]]]).numpy().ravel()
    array([3, 2, 1], dtype=int32)
    """
    return _reversed(image, 2)


@dispatchable("image.flip_up_down", scope="flip_up_down")
def flip_up_down(image):
    """Returns images mirrored from top to bottom.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: the rank is another.

    >>> tf.image.flip_up_down([[[1]], [[2]]]).numpy().ravel()
    array([2, 1], dtype=int32)
    """
    return _reversed(image, 3)


@dispatchable("image.transpose", v1=["image.transpose", "image.transpose_image"])
def transpose(image, name=None):
    """The image with height and width exchanged.

    Args:
      image: `[height, width, channels]`, or with a batch axis before.
      name: of the operation.

    Returns:
      A tensor of the same dtype and rank.

    Raises:
      ValueError: the rank is known and neither 3 nor 4.
    """
    image = convert_to_tensor(image, name="image")
    if image.shape.rank not in (None, 3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    rank = raw.Rank(input=image)
    lead = raw.Range(start=0, limit=rank - 3, delta=1)
    perm = raw.ConcatV2(values=[lead, rank + np.array([-2, -3, -1], np.int32)], axis=0)
    return raw.Transpose(x=image, perm=perm, name=name)


@dispatchable("image.rot90", scope="rot90")
def rot90(image, k=1, name=None):
    """Returns images rotated by quarter turns against the clock.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      k: how many quarter turns, an integer scalar.
      name: a name for the operation.

    Returns:
      A tensor of the same rank and dtype.

    Raises:
      ValueError: the rank is another.

    >>> tf.image.rot90([[[1], [2]], [[3], [4]]]).numpy()[:, :, 0]
    array([[2, 4],
           [1, 3]], dtype=int32)
    """
    image = convert_to_tensor(image, name="image")
    turns = _known(k) if not isinstance(k, np.ndarray) else int(k)
    if isinstance(turns, Tensor):
        turns = raw.FloorMod(x=cast(turns, dtypes.int32), y=np.int32(4))
        turned = [functools.partial(rot90, image, i) for i in range(4)]
        return switch_case(turns, turned, name=name)
    turns %= 4
    if turns == 0:
        return image
    if turns == 1:
        return flip_up_down(transpose(image))
    if turns == 2:
        return flip_left_right(flip_up_down(image))
    return transpose(flip_up_down(image), name=name)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
image.extract_patches = ExtractImagePatches(images, sizes: ksizes, strides, rates, padding)
    Returns windows of images, with the pixels of each along the last axis.

    Args:
      images: `[batch, height, width, channels]`.
      sizes: `[1, rows, columns, 1]`: the size of the windows.
      strides: `[1, rows, columns, 1]`: how far the next window is.
      rates: `[1, rows, columns, 1]`: the distance of the pixels of a window.
      padding: "VALID" or "SAME".
      name: a name for the operation.

    Returns:
      A tensor `[batch, windows from top to bottom, from left to right, rows * columns *
      channels]`.

    Raises:
      InvalidArgumentError: an argument has another form.

    >>> images = tf.reshape(tf.range(9), [1, 3, 3, 1])
    >>> tf.image.extract_patches(images, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")[0, 0].numpy()
    array([[0, 1, 3, 4],
           [1, 2, 4, 5]], dtype=int32)
-image.crop_and_resize = CropAndResize(image, boxes, box_indices: box_ind, crop_size, method="bilinear", extrapolation_value=0.0)
    Boxes (of normalized corners) of images, each resized to `crop_size`.

    Args:
      image: `[batch, height, width, channels]` of numbers.
      boxes: float32 `[n, 4]`: y1, x1, y2, x2, where 0 and 1 are the centers of the outermost
        pixels; y1 > y2 flips.
      box_indices: int32 `[n]`: the image of each box.
      crop_size: int32 `[2]`: height and width.
      method: "bilinear" or "nearest".
      extrapolation_value: of pixels outside the image.
      name: of the operation.

    Returns:
      A float32 tensor `[n, crop_height, crop_width, channels]`.
-image.extract_glimpse = ExtractGlimpseV2(input, size, offsets, centered=True, normalized=True, noise="uniform", *, uniform_noise=False)
    Windows of `size` centered at `offsets`, with noise outside the image.

    Args:
      input: float32 `[batch, height, width, channels]`.
      size: int32 `[2]`: height and width of the windows.
      offsets: float32 `[batch, 2]`: y and x of each window's center.
      centered: whether (0, 0) is the center of the image; otherwise its upper left corner.
      normalized: whether offsets are in parts of the image, from -1 to 1 (from 0 to 1 if not
        centered); otherwise in pixels.
      noise: "uniform", "gaussian" or "zero".
      name: of the operation.

    Returns:
      A float32 tensor `[batch, size..., channels]`.
""",
    plain="""
extract_volume_patches = ExtractVolumePatches(input, ksizes, strides, padding)
    Windows of volumes, laid out in the channels.

    Args:
      input: `[batch, planes, rows, columns, channels]` of real numbers.
      ksizes: five ints, the size of windows along each axis; 1 for the first and last.
      strides: five ints, the steps between windows; 1 for the first and last.
      padding: "SAME" or "VALID".
      name: of the operation.

    Returns:
      `[batch, planes', rows', columns', k * channels]` of the same dtype, with k entries in a
      window.
""",
)
