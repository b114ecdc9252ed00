"""Cropping and padding, and windows of images."""

import numpy as np

from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.ops.rules import ints


def with_pixels(image):
    """The image as a tensor. A graph checks at run time what its static shape leaves open.

    Raises:
      ValueError: it has too few dimensions, or is known to be empty.
    """
    image = convert_to_tensor(image, name="image")
    if type(image) is EagerTensor:
        extents = image._shape_tuple()
        if len(extents) >= 3 and 0 not in extents[-3:]:
            return image
    if image.shape.rank is not None:
        if image.shape.rank < 3:
            raise ValueError(f"'image' (shape {image.shape}) must be at least three-dimensional.")
        if 0 in image.shape[-3:].as_list():
            raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {image.shape}")
    if image.shape.rank is None or not image.shape[-3:].is_fully_defined():
        _require_pixels(image)
    return image


def _require_pixels(image):
    """Adds assertions that an image of unknown extents has at least three dimensions and is not empty."""
    if image.shape.rank is None:
        enough = raw.Rank(input=image) >= np.int32(3)
        require(enough, "'image' must be at least three-dimensional.")
    some = raw.All(input=raw.Shape(input=image)[-3:] > np.int32(0), axis=[0])
    require(some, "inner 3 dims of 'image.shape' must be > 0.")


def with_batch(image, run):
    """Runs `run` on a batch; a single image, or one of unknown rank, is converted to a batch of one."""
    image = convert_to_tensor(image, name="image")
    rank = image.shape.rank
    if rank not in (None, 3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    image = with_pixels(image)
    if rank is None:
        batch = raw.ExpandDims(input=image, axis=0)
        batch.set_shape([None] * 4)
        return raw.Squeeze(input=run(batch), axis=[0])
    if rank == 3:
        return raw.Squeeze(input=run(raw.ExpandDims(input=image, axis=0)), axis=[0])
    return run(image)


def extents_of(image):
    """Height and width: ints where known, else tensors."""
    static = image.shape.as_list()
    if None not in static[-3:-1]:
        return static[-3], static[-2]
    dynamic = raw.Shape(input=image)
    rank = len(static)
    return tuple(static[a] if static[a] is not None else dynamic[a] for a in (rank - 3, rank - 2))


def known(value):
    """An int for ints and static tensors; else the tensor."""
    if isinstance(value, Tensor):
        static = get_static_value(value)
        return value if static is None else int(static)
    return int(value)


def require(condition, message):
    if isinstance(condition, Tensor):
        Assert(condition, [message])
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
        height, width = extents_of(batch)
        top, left = known(offset_height), known(offset_width)
        rows, columns = known(target_height), known(target_width)
        require(left >= 0, "offset_width must be >= 0.")
        require(top >= 0, "offset_height must be >= 0.")
        require(columns > 0, "target_width must be > 0.")
        require(rows > 0, "target_height must be > 0.")
        require(width >= columns + left, _too_small("width", width, columns, left))
        require(height >= rows + top, _too_small("height", height, rows, top))
        begin = vector([0, top, left, 0])
        size = vector([-1, rows, columns, -1])
        result = raw.Slice(input=batch, begin=begin, size=size)
        static = [batch.shape[0], *[v if isinstance(v, int) else None for v in (rows, columns)]]
        result.set_shape([*static, batch.shape[3]])
        return result

    return with_batch(image, run)


def _too_small(name, extent, target, offset):
    """The message for an image that is smaller than the window, with the numbers that are known while it is written."""
    text = f"{name} must be >= target + offset."
    numbers = (extent, target, offset)
    if all(isinstance(number, int) for number in numbers):
        text += " Received {}, {} and {}.".format(*numbers)
    return text


def vector(values):
    if all(isinstance(v, int) for v in values):
        return ints(values)
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
      InvalidArgumentError: it does not fit, and a parameter is a tensor.

    >>> tf.image.pad_to_bounding_box(tf.ones([1, 2, 1]), 1, 1, 3, 3)[:, :, 0].numpy()
    array([[0., 0., 0.],
           [0., 1., 1.],
           [0., 0., 0.]], dtype=float32)
    """

    return pad_to_bounding_box_internal(
        image, offset_height, offset_width, target_height, target_width, check_dims=True
    )


def pad_to_bounding_box_internal(
    image, offset_height, offset_width, target_height, target_width, check_dims
):
    """`pad_to_bounding_box`, which checks only if `check_dims` that the image fits."""
    with scope_in_graph("pad_to_bounding_box", ""):
        return _padded(image, offset_height, offset_width, target_height, target_width, check_dims)


def _padded(image, offset_height, offset_width, target_height, target_width, check_dims):
    def run(batch):
        height, width = extents_of(batch)
        top, left = known(offset_height), known(offset_width)
        below = known(target_height) - top - height
        right = known(target_width) - left - width
        if check_dims:
            checks = {
                "offset_height must be >= 0": top >= 0,
                "offset_width must be >= 0": left >= 0,
                "width must be <= target - offset": right >= 0,
                "height must be <= target - offset": below >= 0,
            }
            box = (offset_height, offset_width, target_height, target_width)
            in_tensors = any(isinstance(value, Tensor) for value in box)
            for message, holds in checks.items():
                require(convert_to_tensor(holds) if in_tensors else holds, message)
        paddings = raw.Reshape(tensor=vector([0, 0, top, below, left, right, 0, 0]), shape=[4, 2])
        result = raw.Pad(input=batch, paddings=paddings)
        static = [known(v) for v in (target_height, target_width)]
        static = [v if isinstance(v, int) else None for v in static]
        result.set_shape([batch.shape[0], *static, batch.shape[3]])
        return result

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
    image = with_pixels(image)
    if image.shape.rank not in (3, 4):
        raise ValueError(
            "`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = "
            f"{image.shape.rank}."
        )
    height, width = extents_of(image)
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
        begin=vector([*lead, *begin, 0]),
        size=vector([*[-1 for _ in lead], *size, -1]),
    )
    if STATE.graph is not None:
        extents = [n if isinstance(n, int) else None for n in size]
        result.set_shape([*image.shape[: len(lead)], *extents, image.shape[-1]])
    return result


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
