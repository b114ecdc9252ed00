"""Glimpses: windows of images around offsets, with noise where they reach beyond the image."""

import secrets

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.random import distributions
from penstock._src.ops.random.philox import Stream


class _Glimpse(Op):
    differentiable = False
    ranks = {"size": (1,)}
    centered: bool = True
    normalized: bool = True
    uniform_noise: bool = True
    noise: str = "uniform"

    def shape(self, input, size, offsets):
        value = size.value
        extents = [None, None] if value is None else [int(v) for v in value]
        return [input.with_rank(4)[0], *extents, input[3]]

    def eager(self, input, size, offsets):
        if input.ndim != 4 or size.shape != (2,) or offsets.shape != (len(input), 2):
            raise self.invalid(
                "expected images of rank 4, a size of 2 numbers, and 2 offsets for each image"
            )
        height, width = (int(n) for n in size)
        if min(height, width) < 0:
            raise self.invalid(f"size must not be negative. Received {[height, width]}")
        if self.uniform_noise and self.noise != "uniform":
            raise self.invalid(
                "The uniform_noise and noise could not be specified at the same time"
            )
        glimpses = np.zeros((len(input), height, width, input.shape[3]), input.dtype)
        stream = None if self.noise == "zero" else _noise()
        for image, offset, out in zip(input, offsets, glimpses):
            extents = np.array(image.shape[:2], np.float32)
            start = np.trunc(self.corner(offset, extents, size.astype(np.float32))).astype(int)
            first = np.maximum(start, 0)
            last = np.minimum(start + [height, width], image.shape[:2])
            is_inside = (last - first == [height, width]).all()
            if stream is not None and image.size and out.size and not is_inside:
                out[...] = self.background(stream, image, out.shape)
            if (last > first).all():
                (i, j), (k, l) = first - start, last - start
                out[i:k, j:l] = image[first[0] : last[0], first[1] : last[1]]
        return glimpses

    def background(self, stream, image, shape):
        """The values outside the image: between its least and largest, or as its channels' are distributed."""
        count = int(np.prod(shape))
        if self.noise == "uniform":
            values = distributions.uniform(stream, count, np.dtype(np.float32)).reshape(shape)
            least = image.min()
            return values * (image.max() - least) + least
        values = distributions.normal(stream, count, np.dtype(np.float32)).reshape(shape)
        values = values * image.std((0, 1)) + image.mean((0, 1))
        return values.clip(image.min((0, 1)), image.max((0, 1)))


def _noise():
    """An unseeded stream of random words."""
    return Stream(secrets.randbits(64), secrets.randbits(64) << 64)


class ExtractGlimpse(_Glimpse):
    """Windows around offsets; offsets from the center count half."""

    signature = "input: float32, size: int32, offsets: float32 -> glimpse: float32"
    extents = {"input": "batch, ?, ?, ?", "size": "2", "offsets": "batch, 2"}

    def corner(self, offset, extents, size):
        """Return the coordinate of a window's first pixel."""
        at = offset * extents if self.normalized else offset
        return (at / 2 + extents / 2 if self.centered else at) - size / 2


class ExtractGlimpseV2(_Glimpse):
    """Windows at offsets, or centered on them if they are fractions relative to the center."""

    signature = "input: float32, size: int32, offsets: float32 -> glimpse: float32"
    ranks = {"offsets": (2,)}
    differentiable = True

    def corner(self, offset, extents, size):
        """Return the coordinate of a window's first pixel."""
        if not self.centered:
            return offset * extents if self.normalized else offset
        if self.normalized:
            return offset * extents / 2 + extents / 2 - size / 2
        return offset + extents / 2
