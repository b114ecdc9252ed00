"""Products of vectors in `tf.experimental.numpy`, also of arrays whose extents are not known."""

import numpy as np

from penstock._src.core.registry import raw

from . import shaping
from .promotion import promoted_pair
from .weakness import public


@public("cross")
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of two or three.

    Args:
      a: vectors of two or three.
      b: vectors of two or three.
      axisa: the axis of the vectors in `a`.
      axisb: that in `b`.
      axisc: that in the result.
      axis: an axis that replaces the three.

    Returns:
      A tensor of vectors of three, or of their third numbers where both have two.

    Raises:
      InvalidArgumentError: the vectors have other sizes. A ValueError in graphs, if the sizes are known.
    """
    a, b = promoted_pair(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = shaping.moveaxis(a, axisa, -1), shaping.moveaxis(b, axisb, -1)
    sizes = [v.shape[-1] if v.shape.rank else None for v in (a, b)]
    if sizes == [2, 2]:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    (a, lacks_a), (b, lacks_b) = _of_three(a, sizes[0]), _of_three(b, sizes[1])
    extents = raw.BroadcastArgs(s0=raw.Shape(input=a), s1=raw.Shape(input=b))
    product = raw.Cross(
        a=raw.BroadcastTo(input=a, shape=extents), b=raw.BroadcastTo(input=b, shape=extents)
    )
    if any(size not in (2, None) for size in sizes):
        return shaping.moveaxis(product, -1, axisc)
    third = product[..., 2]
    whole = shaping.moveaxis(product, -1, axisc)
    return _first_if(lacks_a * lacks_b, third, whole)


def _of_three(v, size):
    """Vectors with a zero behind those of two, and 1 if they were of two, else 0."""
    if size is None:
        lacks = raw.Cast(x=raw.Equal(x=raw.Shape(input=v)[-1], y=np.int32(2)), DstT=np.int32)
    else:
        lacks = np.int32(size == 2)
        if not lacks:
            return v, lacks
    last = raw.Pack(values=[np.int32(0), lacks], axis=0)
    others = raw.ExpandDims(input=raw.Rank(input=v) - 1, axis=0)
    zeros = raw.Fill(dims=raw.Pack(values=[others[0], np.int32(2)], axis=0), value=np.int32(0))
    return raw.Pad(input=v, paddings=raw.ConcatV2(values=[zeros, last[None]], axis=0)), lacks


def _first_if(is_first, first, second):
    """`first` if the number is 1, `second` if it is 0; their ranks may differ."""
    parts = [raw.Reshape(tensor=x, shape=[-1]) for x in (first, second)]
    shapes = [raw.Shape(input=x) for x in (first, second)]
    kept = [is_first, 1 - is_first]
    flat, sizes = (
        raw.ConcatV2(
            values=[x[: raw.Size(input=x) * k] for x, k in zip(each, kept, strict=True)], axis=0
        )
        for each in (parts, shapes)
    )
    return raw.Reshape(tensor=flat, shape=sizes)
