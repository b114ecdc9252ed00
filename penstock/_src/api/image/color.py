"""Types, colors, brightness, contrast and gradients of images."""

import numpy as np

from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.linalg.products import tensordot
from penstock._src.api.math.elementwise import cast, saturate_cast
from penstock._src.api.math.reduction import reduce_mean, reduce_std
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from .geometry import with_pixels

_FLOATS = (dtypes.float16, dtypes.float32)


@unary("image.convert_image_dtype", named="convert_image")
def convert_image_dtype(image, dtype, saturate=False, name=None):
    """Returns the image in another dtype, with its values scaled.

    Floats span 0 to 1, integers 0 to the greatest of their dtype.

    Args:
      image: a tensor of integers or floats.
      dtype: an integer or float dtype.
      saturate: whether values that do not fit are clipped rather than undefined.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      AttributeError: one of the dtypes is neither.

    >>> tf.image.convert_image_dtype(tf.constant([0, 128, 255], tf.uint8), tf.float32).numpy()
    array([0.       , 0.5019608, 1.       ], dtype=float32)
    """
    image = convert_to_tensor(image, name="image")
    kind = dtypes.as_dtype(dtype)
    if not (kind.is_floating or kind.is_integer):
        raise AttributeError("dtype must be either floating point or integer")
    if not (image.dtype.is_floating or image.dtype.is_integer):
        raise AttributeError("image dtype must be either floating point or integer")
    if kind == image.dtype:
        return raw.Identity(input=image, name=name)
    change = saturate_cast if saturate else cast
    if image.dtype.is_integer and kind.is_integer:
        have, want = image.dtype.max, kind.max
        if have > want:
            factor = np.asarray((int(have) + 1) // (int(want) + 1), image.dtype.as_numpy_dtype)
            return change(raw.FloorDiv(x=image, y=factor), kind, name=name)
        factor = np.asarray((int(want) + 1) // (int(have) + 1), kind.as_numpy_dtype)
        return raw.Mul(x=change(image, kind), y=factor, name=name)
    if image.dtype.is_floating and kind.is_floating:
        return cast(image, kind, name=name)
    if image.dtype.is_integer:
        scale = np.asarray(1.0 / image.dtype.max, kind.as_numpy_dtype)
        return raw.Mul(x=cast(image, kind), y=scale, name=name)
    with np.errstate(over="ignore"):  # in float16 it may be infinite
        scale = np.asarray(kind.max + 0.5, image.dtype.as_numpy_dtype)
    return change(image * scale, kind, name=name)


def _as_float(image):
    image = convert_to_tensor(image, name="image")
    return image, image if image.dtype in _FLOATS else convert_image_dtype(image, dtypes.float32)


@unary("image.adjust_brightness", scope="adjust_brightness")
def adjust_brightness(image, delta):
    """Returns the image with `delta` added to all pixels.

    Integer images are converted to floats from 0 to 1 and back, and clipped.

    Args:
      image: a tensor of integers or floats.
      delta: a scalar, in units of floats from 0 to 1.

    Returns:
      A tensor of the shape and dtype of `image`.

    >>> tf.image.adjust_brightness([[[0.25]]], 0.5).numpy()
    array([[[0.75]]], dtype=float32)
    """
    image, floats = _as_float(image)
    changed = floats + cast(convert_to_tensor(delta), floats.dtype)
    return convert_image_dtype(changed, image.dtype, saturate=True)


@dispatchable("image.adjust_contrast", scope="adjust_contrast")
def adjust_contrast(images, contrast_factor):
    """Returns images with the distance of each channel from its mean scaled.

    Args:
      images: `[..., height, width, channels]`.
      contrast_factor: a float scalar: what distances are multiplied with.

    Returns:
      A tensor of the shape and dtype of `images`.

    >>> tf.image.adjust_contrast([[[1.0], [3.0]]], 2.0).numpy()
    array([[[0.],
            [4.]]], dtype=float32)
    """
    images, floats = _as_float(images)
    factor = convert_to_tensor(contrast_factor, dtype_hint=dtypes.float32)
    changed = raw.AdjustContrastv2(images=floats, contrast_factor=cast(factor, dtypes.float32))
    return convert_image_dtype(changed, images.dtype, saturate=True)


@unary("image.adjust_gamma", scope="adjust_gamma")
def adjust_gamma(image, gamma=1, gain=1):
    """gain * image ** gamma, for pixels in [0, 1].

    Args:
      image: of any shape, floats in [0, 1], or an integer dtype, which is scaled to [0, 1] and
        back.
      gamma: a scalar, not negative.
      gain: a scalar.

    Returns:
      A tensor of the same shape and dtype; integers saturate.

    Raises:
      ValueError: `gamma` is negative.
      InvalidArgumentError: the same, found when the operation runs.
    """
    image, floats = _as_float(image)
    if not isinstance(gamma, Tensor) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    power = cast(convert_to_tensor(gamma), floats.dtype)
    if isinstance(gamma, Tensor):
        fits = power >= np.zeros((), floats.dtype.as_numpy_dtype)
        Assert(fits, ["Gamma should be a non-negative real number."])
    scale = cast(convert_to_tensor(gain), floats.dtype)
    return convert_image_dtype(scale * raw.Pow(x=floats, y=power), image.dtype, saturate=True)


@dispatchable("image.adjust_hue")
def adjust_hue(image, delta, name=None):
    """The RGB image with its hue rotated by `delta`, in [-1, 1].

    Args:
      image: `[..., 3]`, floats in [0, 1], or an integer dtype.
      delta: a scalar; 1 is a whole turn.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: `delta` is outside [-1, 1].
    """
    if not isinstance(delta, Tensor) and not -1 <= float(np.asarray(delta)) <= 1:
        raise ValueError("delta must be in the interval [-1, 1]")
    image, floats = _as_float(image)
    changed = raw.AdjustHue(
        images=floats, delta=cast(convert_to_tensor(delta), dtypes.float32), name=name
    )
    return convert_image_dtype(changed, image.dtype, saturate=True)


@dispatchable("image.adjust_saturation", scope="adjust_saturation")
def adjust_saturation(image, saturation_factor, name=None):
    """Returns the RGB image with its saturation scaled.

    Args:
      image: `[..., 3]`, integers or floats from 0 to 1.
      saturation_factor: a float scalar; 0 makes the image gray.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `image`.

    Raises:
      InvalidArgumentError: the last axis is not of length 3.

    >>> tf.image.adjust_saturation([[[0.5, 0.25, 0.25]]], 0.0).numpy()
    array([[[0.5, 0.5, 0.5]]], dtype=float32)
    """
    image, floats = _as_float(image)
    changed = raw.AdjustSaturation(
        images=floats, scale=cast(convert_to_tensor(saturation_factor), dtypes.float32), name=name
    )
    return convert_image_dtype(changed, image.dtype, saturate=True)


@dispatchable("image.per_image_standardization", named="per_image_standardization")
def per_image_standardization(image):
    """Returns each image scaled to mean 0 and standard deviation 1.

    The deviation counts as at least 1 / sqrt(number of values), so that images of one color
    become 0.

    Args:
      image: `[..., height, width, channels]`.

    Returns:
      A float tensor of the same shape.

    Raises:
      ValueError: the image has less than three axes, or is empty.

    >>> tf.image.per_image_standardization([[[1.0], [3.0]]]).numpy()
    array([[[-1.],
            [ 1.]]], dtype=float32)
    """
    image = cast(with_pixels(image), dtypes.float32)
    count = raw.Prod(input=raw.Shape(input=image)[-3:], axis=[0])
    mean = reduce_mean(image, [-1, -2, -3], keepdims=True)
    deviation = reduce_std(image, [-1, -2, -3], keepdims=True)
    least = raw.Rsqrt(x=cast(count, image.dtype))
    return (image - mean) / raw.Maximum(x=deviation, y=least)


@dispatchable("image.rgb_to_grayscale", named="rgb_to_grayscale")
def rgb_to_grayscale(images, name=None):
    """Returns the luma of RGB images, 0.2989 R + 0.587 G + 0.114 B.

    Args:
      images: `[..., 3]`.
      name: a name for the operation.

    Returns:
      A tensor `[..., 1]` of the dtype of `images`.

    >>> tf.image.rgb_to_grayscale([[[1.0, 0.0, 0.0]]]).numpy()
    array([[[0.2989]]], dtype=float32)
    """
    images, floats = _as_float(images)
    weights = np.array([0.2989, 0.587, 0.114], floats.dtype.as_numpy_dtype)
    gray = tensordot(floats, weights, [[-1], [-1]])
    return convert_image_dtype(raw.ExpandDims(input=gray, axis=-1), images.dtype, name=name)


@dispatchable("image.grayscale_to_rgb", named="grayscale_to_rgb")
def grayscale_to_rgb(images, name=None):
    """Returns gray images as RGB: the one channel three times.

    Args:
      images: `[..., 1]`.
      name: a name for the operation.

    Returns:
      A tensor `[..., 3]` of the dtype of `images`.

    Raises:
      ValueError: there is another number of channels.

    >>> tf.image.grayscale_to_rgb(tf.constant([[[5]]])).numpy()
    array([[[5, 5, 5]]], dtype=int32)
    """
    images = convert_to_tensor(images, name="images")
    if images.shape.rank is not None and images.shape.rank < 2:
        raise ValueError(
            f"A grayscale image (shape {images.shape}) must be at least two-dimensional."
        )
    if images.shape.rank is not None and images.shape[-1] not in (None, 1):
        raise ValueError(
            f"Last dimension of a grayscale image should be size 1. Received shape {images.shape}."
        )
    rank = raw.Rank(input=images)
    multiples = raw.OneHot(rank - 1, rank, np.int32(3), np.int32(1))
    result = raw.Tile(input=images, multiples=multiples, name=name)
    if images.shape.rank is not None and STATE.graph is not None:
        result.set_shape(images.shape[:-1].concatenate([3]))
    return result


@dispatchable("image.rgb_to_hsv")
def rgb_to_hsv(images, name=None):
    """Returns hue, saturation and value of RGB images.

    Args:
      images: floats from 0 to 1, `[..., 3]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape, each number from 0 to 1.

    Raises:
      InvalidArgumentError: the last axis is not of length 3.

    >>> tf.image.rgb_to_hsv([[[0.0, 1.0, 0.0]]]).numpy().round(4)
    array([[[0.3333, 1.    , 1.    ]]], dtype=float32)
    """
    return raw.RGBToHSV(images=images, name=name)


@dispatchable("image.hsv_to_rgb")
def hsv_to_rgb(images, name=None):
    """Returns RGB images of hue, saturation and value.

    Args:
      images: floats from 0 to 1, `[..., 3]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape, each number from 0 to 1.

    Raises:
      InvalidArgumentError: the last axis is not of length 3.

    >>> tf.image.hsv_to_rgb([[[0.0, 1.0, 0.5]]]).numpy()
    array([[[0.5, 0. , 0. ]]], dtype=float32)
    """
    return raw.HSVToRGB(images=images, name=name)


# ITU-R BT.601 luma weights and the scaled color differences; rows are the input channels.
_RGB_TO_YIQ = [
    [0.299, 0.59590059, 0.2115],
    [0.587, -0.27455667, -0.52273617],
    [0.114, -0.32134392, 0.31119955],
]
_YIQ_TO_RGB = [
    [1, 1, 1],
    [0.95598634, -0.27201283, -1.10674021],
    [0.6208248, -0.64720424, 1.70423049],
]
_RGB_TO_YUV = [
    [0.299, -0.14714119, 0.61497538],
    [0.587, -0.28886916, -0.51496512],
    [0.114, 0.43601035, -0.10001026],
]
_YUV_TO_RGB = [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]


def _mixed(images, matrix):
    images = convert_to_tensor(images, name="images")
    if not images.dtype.is_floating:
        raise TypeError(f"Images must have a floating-point dtype. Received {images.dtype}.")
    kernel = np.array(matrix, images.dtype.as_numpy_dtype)
    return tensordot(images, kernel, [[images.shape.rank - 1], [0]])


@dispatchable("image.rgb_to_yiq")
def rgb_to_yiq(images):
    """Luma and the color differences I and Q of RGB.

    Args:
      images: `[..., 3]`, floats, RGB in [0, 1].

    Returns:
      A tensor of the same shape and dtype: Y in [0, 1], I in about [-0.6, 0.6] and Q in about
      [-0.52, 0.52].
    """
    return _mixed(images, _RGB_TO_YIQ)


@dispatchable("image.yiq_to_rgb")
def yiq_to_rgb(images):
    """RGB of luma and the color differences I and Q.

    Args:
      images: `[..., 3]`, floats: Y in [0, 1], I in about [-0.6, 0.6] and Q in about [-0.52, 0.52].

    Returns:
      A tensor of the same shape and dtype; RGB in [0, 1] for colors that RGB has.
    """
    return _mixed(images, _YIQ_TO_RGB)


@dispatchable("image.rgb_to_yuv")
def rgb_to_yuv(images):
    """Luma and the color differences U and V of RGB.

    Args:
      images: `[..., 3]`, floats, RGB in [0, 1].

    Returns:
      A tensor of the same shape and dtype: Y in [0, 1], U in about [-0.44, 0.44] and V in about
      [-0.61, 0.61].
    """
    return _mixed(images, _RGB_TO_YUV)


@dispatchable("image.yuv_to_rgb")
def yuv_to_rgb(images):
    """RGB of luma and the color differences U and V.

    Args:
      images: `[..., 3]`, floats: Y in [0, 1], U in about [-0.44, 0.44] and V in about [-0.61,
        0.61].

    Returns:
      A tensor of the same shape and dtype; RGB in [0, 1] for colors that RGB has.
    """
    return _mixed(images, _YUV_TO_RGB)


@dispatchable("image.image_gradients")
def image_gradients(image):
    """The differences dy, dx of neighboring pixels; 0 in the last row and column.

    Args:
      image: `[batch, height, width, channels]`.

    Returns:
      (dy, dx): tensors of the shape and dtype of `image`.

    Raises:
      ValueError: the rank of `image` is not 4.
    """
    image = convert_to_tensor(image)
    if image.shape.rank != 4:
        raise ValueError(
            f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}."
        )
    dy = image[:, 1:, :, :] - image[:, :-1, :, :]
    dx = image[:, :, 1:, :] - image[:, :, :-1, :]
    dy = raw.Pad(input=dy, paddings=np.array([[0, 0], [0, 1], [0, 0], [0, 0]], np.int32))
    dx = raw.Pad(input=dx, paddings=np.array([[0, 0], [0, 0], [0, 1], [0, 0]], np.int32))
    return dy, dx


def for_each_channel(kernel, image):
    """A kernel `[h, w, 1, m]` for each channel of an image, `[h, w, c, m]`; c may be dynamic."""
    channels = image.shape[-1]
    if channels is not None:
        return np.tile(kernel, (1, 1, channels, 1))
    one = np.array([1], np.int32)
    times = raw.ConcatV2(values=[one, one, raw.Shape(input=image)[-1:], one], axis=0)
    return raw.Tile(input=kernel, multiples=times)


@dispatchable("image.sobel_edges")
def sobel_edges(image):
    """Returns the derivatives of images by Sobel's filters.

    The border is mirrored.

    Args:
      image: floats, `[batch, height, width, channels]`.

    Returns:
      A tensor `[batch, height, width, channels, 2]`: along the last axis the changes from top to
      bottom and from left to right.

    >>> image = tf.reshape([0.0, 0.0, 1.0] * 3, [1, 3, 3, 1])
    >>> tf.image.sobel_edges(image)[0, 1, :, 0, 1].numpy()
    array([0., 4., 0.], dtype=float32)
    """
    image = convert_to_tensor(image)
    kernel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]).astype(image.dtype.as_numpy_dtype)
    both = np.stack([kernel, kernel.T], -1)[:, :, None, :]
    filters = for_each_channel(both, image)
    padded = raw.MirrorPad(
        input=image,
        paddings=np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32),
        mode="REFLECT",
    )
    edges = raw.DepthwiseConv2dNative(
        input=padded, filter=filters, strides=[1, 1, 1, 1], padding="VALID"
    )
    shape = raw.ConcatV2(values=[raw.Shape(input=image), np.array([2], np.int32)], axis=0)
    result = raw.Reshape(tensor=edges, shape=shape)
    result.set_shape(image.shape.concatenate([2]))
    return result


@dispatchable("image.total_variation", scope="total_variation")
def total_variation(images, name=None):
    """Returns the sum of the absolute differences of neighboring pixels of each image.

    Args:
      images: `[batch, height, width, channels]` or `[height, width, channels]`.
      name: a name for the operation.

    Returns:
      A tensor `[batch]`, or a scalar.

    Raises:
      ValueError: the rank is another.

    >>> tf.image.total_variation(tf.constant([[[1.0], [4.0]], [[1.0], [5.0]]])).numpy()
    np.float32(8.0)
    """
    images = convert_to_tensor(images)
    rank = images.shape.rank
    if rank not in (3, 4):
        raise ValueError("'images' must be either 3 or 4-dimensional.")
    dy = raw.Abs(x=images[..., 1:, :, :] - images[..., :-1, :, :])
    dx = raw.Abs(x=images[..., :, 1:, :] - images[..., :, :-1, :])
    axes = np.arange(rank - 3, rank, dtype=np.int32)
    return raw.AddV2(x=raw.Sum(input=dy, axis=axes), y=raw.Sum(input=dx, axis=axes), name=name)
