"""Random changes of images."""

import functools

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.random import functions as random
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from . import codec, color
from .geometry import with_pixels


def _between(low, high, seed):
    return random.uniform([], low, high, seed=seed)


def _stateless(low, high, seed):
    return random.stateless_uniform(shape=[], minval=low, maxval=high, seed=seed)


def _check_bounds(lower, upper):
    if not isinstance(lower, Tensor) and not isinstance(upper, Tensor):
        if upper <= lower:
            raise ValueError("upper must be > lower.")
        if lower < 0:
            raise ValueError("lower must be non-negative.")


def _check_delta(delta, limit=None):
    if not isinstance(delta, Tensor):
        if limit is not None and delta > limit:
            raise ValueError(f"max_delta must be <= {limit}.")
        if delta < 0:
            raise ValueError("max_delta must be non-negative.")


@unary("image.random_brightness")
def random_brightness(image, max_delta, seed=None):
    """`adjust_brightness` by a random number in [-max_delta, max_delta).

    Args:
      image: integers, or floats from 0 to 1, of any shape.
      max_delta: a number, not negative, in units of floats from 0 to 1.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_delta(max_delta)
    return color.adjust_brightness(image, _between(-max_delta, max_delta, seed))


@unary("image.stateless_random_brightness", v1=["image.stateless_random_brightness"])
def stateless_random_brightness(image, max_delta, seed):
    """Returns images made brighter or darker, as `seed` determines.

    Args:
      image: a tensor of integers or floats.
      max_delta: what is added lies from -max_delta up to max_delta, in units of floats from 0 to
        1; not negative.
      seed: a vector of two integers.

    Returns:
      A tensor of the shape and dtype of `image`.

    Raises:
      ValueError: `max_delta` is negative.

    >>> tf.image.stateless_random_brightness([[[0.5]]], 0.2, seed=[1, 2]).shape
    TensorShape([1, 1, 1])
    """
    _check_delta(max_delta)
    return color.adjust_brightness(image, _stateless(-max_delta, max_delta, seed))


@dispatchable("image.random_contrast")
def random_contrast(image, lower, upper, seed=None):
    """`adjust_contrast` by a random factor in [lower, upper).

    Args:
      image: `[..., height, width, channels]`: integers, or floats from 0 to 1.
      lower: the least factor, not negative.
      upper: the end of the range of factors, above `lower`.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_bounds(lower, upper)
    return color.adjust_contrast(image, _between(lower, upper, seed))


@dispatchable("image.stateless_random_contrast", v1=["image.stateless_random_contrast"])
def stateless_random_contrast(image, lower, upper, seed):
    """Returns images of more or less contrast, as `seed` determines.

    Args:
      image: `[..., height, width, channels]`.
      lower: the least factor, not negative.
      upper: the end of the range of factors, above `lower`.
      seed: a vector of two integers.

    Returns:
      A tensor of the shape and dtype of `image`.

    Raises:
      ValueError: the range is empty or negative.

    >>> tf.image.stateless_random_contrast(tf.ones([2, 2, 1]), 0.5, 2.0, seed=[1, 2]).numpy().ravel()
    array([1., 1., 1., 1.], dtype=float32)
    """
    _check_bounds(lower, upper)
    return color.adjust_contrast(image, _stateless(lower, upper, seed))


@dispatchable("image.random_hue")
def random_hue(image, max_delta, seed=None):
    """`adjust_hue` by a random number in [-max_delta, max_delta).

    Args:
      image: `[..., 3]`: integers, or floats from 0 to 1.
      max_delta: a number from 0 to 0.5; 1 is a whole turn.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_delta(max_delta, 0.5)
    return color.adjust_hue(image, _between(-max_delta, max_delta, seed))


@dispatchable("image.stateless_random_hue", v1=["image.stateless_random_hue"])
def stateless_random_hue(image, max_delta, seed):
    """`random_hue`, a function of `seed`.

    Args:
      image, max_delta: as `tf.image.random_hue`'s.
      seed: two integers `[2]`.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_delta(max_delta, 0.5)
    return color.adjust_hue(image, _stateless(-max_delta, max_delta, seed))


@dispatchable("image.random_saturation")
def random_saturation(image, lower, upper, seed=None):
    """`adjust_saturation` by a random factor in [lower, upper).

    Args:
      image: `[..., 3]`: integers, or floats from 0 to 1.
      lower: the least factor, not negative.
      upper: the end of the range of factors, above `lower`.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_bounds(lower, upper)
    return color.adjust_saturation(image, _between(lower, upper, seed))


@dispatchable("image.stateless_random_saturation", v1=["image.stateless_random_saturation"])
def stateless_random_saturation(image, lower, upper, seed=None):
    """`random_saturation`, a function of `seed`.

    Args:
      image, lower, upper: as `tf.image.random_saturation`'s.
      seed: two integers `[2]`.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_bounds(lower, upper)
    return color.adjust_saturation(image, _stateless(lower, upper, seed))


@dispatchable("image.random_jpeg_quality")
def random_jpeg_quality(image, min_jpeg_quality, max_jpeg_quality, seed=None):
    """The image after JPEG compression with a random quality.

    Args:
      image: `[height, width, channels]` with 1 or 3 channels: integers, or floats from 0 to 1.
      min_jpeg_quality: the least quality, from 0.
      max_jpeg_quality: the end of the range of qualities, to 100.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    quality = random.uniform([], min_jpeg_quality, max_jpeg_quality, dtype=dtypes.int32, seed=seed)
    return codec.adjust_jpeg_quality(image, quality)


def _check_quality(low, high):
    if low < 0 or high < 0 or low > 100 or high > 100:
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if low >= high:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")


@dispatchable("image.stateless_random_jpeg_quality", v1=["image.stateless_random_jpeg_quality"])
def stateless_random_jpeg_quality(image, min_jpeg_quality, max_jpeg_quality, seed):
    """`random_jpeg_quality`, a function of `seed`.

    Args:
      image, min_jpeg_quality, max_jpeg_quality: as `tf.image.random_jpeg_quality`'s.
      seed: two integers `[2]`.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    quality = random.stateless_uniform(
        shape=[], minval=min_jpeg_quality, maxval=max_jpeg_quality, seed=seed, dtype=dtypes.int32
    )
    return codec.adjust_jpeg_quality(image, quality)


def _flip_of_rank(image, rank, axis, draw):
    image = raw.Identity(input=image)
    image.set_shape([None] * rank)
    return _flip(image, axis, draw)


def _flip(image, axis, draw):
    """Reverses images along an axis where a random number is below 1/2 (for a batch: rounds to 1)."""
    image = with_pixels(image)
    rank = image.shape.rank
    if rank is None:
        single = raw.Equal(x=raw.Rank(input=image), y=np.int32(3))
        either = [functools.partial(_flip_of_rank, image, n, axis, draw) for n in (3, 4)]
        return cond(single, *either)
    if rank == 3:
        turned = raw.ReverseV2(tensor=image, axis=[axis])
        return raw.SelectV2(condition=draw([]) < np.float32(0.5), t=turned, e=image)
    if rank != 4:
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    count = image.shape[0] if image.shape[0] is not None else raw.Shape(input=image)[0]
    numbers = raw.Reshape(tensor=raw.Round(x=draw([count])), shape=[-1, 1, 1, 1])
    turned = raw.ReverseV2(tensor=image, axis=[axis + 1])
    return raw.SelectV2(condition=numbers > np.float32(0.5), t=turned, e=image)


@dispatchable("image.random_flip_left_right", scope="random_flip_left_right")
def random_flip_left_right(image, seed=None):
    """Returns images, each mirrored from left to right with probability 1/2.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      seed: a Python integer that, with the global seed, determines which.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: the rank is another.

    >>> tf.image.random_flip_left_right(tf.zeros([8, 4, 4, 3])).shape
    TensorShape([8, 4, 4, 3])
    """
    return _flip(image, 1, lambda shape: random.uniform(shape, 0, 1.0, seed=seed))


@dispatchable("image.random_flip_up_down", scope="random_flip_up_down")
def random_flip_up_down(image, seed=None):
    """The image, mirrored from top to bottom with probability 1/2.

    Args:
      image: `[height, width, channels]`; or `[batch, height, width, channels]`, where each image
        has its own chance.
      seed: an int; None for other numbers in each run of the program.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _flip(image, 0, lambda shape: random.uniform(shape, 0, 1.0, seed=seed))


@dispatchable(
    "image.stateless_random_flip_left_right",
    v1=["image.stateless_random_flip_left_right"],
    scope="stateless_random_flip_left_right",
)
def stateless_random_flip_left_right(image, seed):
    """`random_flip_left_right`, a function of `seed`.

    Args:
      image: as `tf.image.random_flip_left_right`'s.
      seed: two integers `[2]`.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _flip(image, 1, lambda shape: random.stateless_uniform(shape, seed))


@dispatchable(
    "image.stateless_random_flip_up_down",
    v1=["image.stateless_random_flip_up_down"],
    scope="stateless_random_flip_up_down",
)
def stateless_random_flip_up_down(image, seed):
    """`random_flip_up_down`, a function of `seed`.

    Args:
      image: as `tf.image.random_flip_up_down`'s.
      seed: two integers `[2]`.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _flip(image, 0, lambda shape: random.stateless_uniform(shape, seed))


def _crop(value, size, draw, name):
    value = convert_to_tensor(value, name="value")
    size = convert_to_tensor(size, dtype=dtypes.int32, name="size")
    shape = raw.Shape(input=value)
    fits = raw.All(input=shape >= size, axis=[0])
    Assert(fits, ["Need value.shape >= size, got ", shape, size])
    limit = shape - size + np.int32(1)
    offset = raw.FloorMod(x=draw(raw.Shape(input=shape)), y=limit)
    return raw.Slice(input=value, begin=offset, size=size, name=name)


@dispatchable("image.random_crop", v1=["image.random_crop", "random_crop"])
def random_crop(value, size, seed=None, name=None):
    """Returns a window at a random position of a tensor.

    Args:
      value: a tensor.
      size: an integer vector of as many entries as `value` has axes: the size of the window.
      seed: a Python integer that, with the global seed, determines the place.
      name: a name for the operation.

    Returns:
      A tensor of shape `size`.

    Raises:
      InvalidArgumentError: the window is larger than `value`.

    >>> tf.image.random_crop(tf.zeros([8, 8, 3]), [4, 4, 3]).shape
    TensorShape([4, 4, 3])
    """
    top = dtypes.int32.max
    return _crop(
        value,
        size,
        lambda rank: random.uniform(rank, maxval=top, dtype=dtypes.int32, seed=seed),
        name,
    )


@dispatchable(
    "image.stateless_random_crop", v1=["image.stateless_random_crop"], named="random_crop"
)
def stateless_random_crop(value, size, seed, name=None):
    """Returns a window of a tensor, at a position that `seed` determines.

    Args:
      value: a tensor.
      size: an integer vector of as many entries as `value` has axes: the size of the window.
      seed: a vector of two integers.
      name: a name for the operation.

    Returns:
      A tensor of shape `size`.

    Raises:
      InvalidArgumentError: the window is larger than `value`.

    >>> tf.image.stateless_random_crop(tf.range(10), [3], seed=[1, 2]).numpy()
    array([4, 5, 6], dtype=int32)
    """
    top = dtypes.int32.max
    return _crop(
        value,
        size,
        lambda rank: random.stateless_uniform(rank, seed, maxval=top, dtype=dtypes.int32),
        name,
    )
