"""Flipping and rotating."""

import functools

import numpy as np

from penstock._src.api.control.conditionals import switch_case
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input

from .geometry import known, with_pixels

# The axes of width, height and channels after so many others.
_TURNED = ((1, 0, 2), (2, 1, 3))


def _reversed(image, axis_from_end, name=None):
    image = with_pixels(image)
    rank = image.shape.rank
    if rank not in (None, 3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    return raw.ReverseV2(tensor=image, axis=index_input([-axis_from_end]), name=name)


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
    image = with_pixels(image)
    if image.shape.rank not in (None, 3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    if STATE.graph is None:
        perm = range(image.shape.rank - 3)
        return raw.Transpose(x=image, perm=index_input([*perm, *_TURNED[len(perm)]]), name=name)
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
    image = with_pixels(image)
    turns = known(k) if not isinstance(k, np.ndarray) else int(k)
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
