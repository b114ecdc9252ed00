"""Colors of images: HSV, contrast, hue, saturation."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT
from penstock._src.ops.rules import in_float32, quiet, show
from penstock._src.ops.sums import add_up


@quiet
def rgb_to_hsv(rgb):
    """Hue, saturation and value, each of [0, 1]."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(-1)
    extent = value - rgb.min(-1)
    kind = rgb.dtype.type
    saturation = np.where(value > 0, extent / value, kind(0))
    norm = kind(1) / (kind(6) * extent)
    hue = np.where(red == value, norm * (green - blue), kind(0))
    hue = np.where((green == value) & (red != value), norm * (blue - red) + kind(2 / 6), hue)
    last = (blue == value) & (red != value) & (green != value)
    hue = np.where(last, norm * (red - green) + kind(4 / 6), hue)
    hue = np.where(extent > 0, hue, kind(0))
    hue = np.where(hue < 0, hue + kind(1), hue)
    return np.stack([hue, saturation, value], -1)


def hsv_to_rgb(hsv):
    """Red, green and blue from hue, saturation and value."""
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    kind = hsv.dtype.type
    dh = hue * kind(6)
    red = np.clip(np.abs(dh - kind(3)) - kind(1), 0, 1)
    green = np.clip(kind(2) - np.abs(dh - kind(2)), 0, 1)
    blue = np.clip(kind(2) - np.abs(dh - kind(4)), 0, 1)
    channels = np.stack([red, green, blue], -1)
    s, v = saturation[..., None], value[..., None]
    return ((kind(1) - s) + s * channels) * v


def _require_rgb(op, images, refusal=FailedPreconditionError):
    if images.ndim < 1:
        raise op.invalid("input must be at least 1D " + show(images.shape))
    if images.shape[-1] != 3:
        raise refusal(
            f"{op.op_type}: input must have 3 channels but input only has {images.shape[-1]} channels."
        )


def _of_three(images):
    """Return the static shape of images with a last dimension of 3."""
    images = images.with_rank_at_least(1)
    return images if images.rank is None else images.merge_with([*images[:-1], 3])


class RGBToHSV(Op):
    """Hue, saturation and value of RGB images."""

    signature = "images: T -> output: T"
    T: FLOAT = dtypes.float32

    def shape(self, images):
        return _of_three(images)

    def gradient(self, images, output, dy):
        r, g, b = raw.Unpack(value=images, num=3, axis=-1)
        _, s, v = raw.Unpack(value=output, num=3, axis=-1)
        dh, ds, dv = raw.Unpack(value=dy, num=3, axis=-1)
        safe = lambda x, y: raw.DivNoNan(x=x, y=y)  # noqa: E731
        one = lambda c: raw.Cast(x=c, DstT=images.dtype)  # noqa: E731
        both = lambda x, y: raw.LogicalAnd(x=x, y=y)  # noqa: E731
        at_least = lambda x, y: raw.GreaterEqual(x=x, y=y)  # noqa: E731
        more = lambda x, y: raw.Greater(x=x, y=y)  # noqa: E731
        # the largest and the smallest channel; ties in the order red, green, blue
        red_most = one(both(at_least(r, g), at_least(r, b)))
        green_most = one(both(more(g, r), at_least(g, b)))
        blue_most = one(both(more(b, r), more(b, g)))
        red_least = one(both(more(g, r), more(b, r)))
        green_least = one(both(at_least(r, g), more(b, g)))
        blue_least = one(both(at_least(r, b), at_least(g, b)))
        extent = v * s
        by_s = lambda most, least: safe(most - least - s * most, v)  # noqa: E731
        parts = []
        for channel, (most, least) in enumerate(
            ((red_most, red_least), (green_most, green_least), (blue_most, blue_least))
        ):
            # hue = (x - y) / (6 extent) + const, with (x, y) by the largest channel
            signs = {0: (0, -1, 1), 1: (1, 0, -1), 2: (-1, 1, 0)}[channel]
            mosts = (red_most, green_most, blue_most)
            slope = sum((m * float(k) for m, k in zip(mosts, signs, strict=True) if k), most * 0.0)
            difference = red_most * (g - b) + green_most * (b - r) + blue_most * (r - g)
            by_hue = safe(slope, extent) - safe(difference * (most - least), extent * extent)
            parts.append(dh * by_hue / 6.0 + ds * by_s(most, least) + dv * most)
        return raw.Pack(values=parts, axis=-1)

    @quiet
    def eager(self, images):
        _require_rgb(self, images)
        return rgb_to_hsv(in_float32(images)).astype(images.dtype, copy=False)

    def lower(self, p, images):
        return _lower_rgb_to_hsv(p, images)


class HSVToRGB(Op):
    """RGB images from hue, saturation and value."""

    signature = "images: T -> output: T"
    T: FLOAT = dtypes.float32
    differentiable = False

    def shape(self, images):
        return _of_three(images)

    @quiet
    def eager(self, images):
        _require_rgb(self, images)
        return hsv_to_rgb(in_float32(images)).astype(images.dtype, copy=False)

    def lower(self, p, images):
        return _lower_hsv_to_rgb(p, images)


def _channels(p, images):
    axis = len(images.shape) - 1
    parts = []
    for channel in range(3):
        starts, limits = [0] * (axis + 1), list(images.shape)
        starts[axis], limits[axis] = channel, channel + 1
        parts.append(p.slice(images, starts, limits))
    return axis, parts


def _lower_rgb_to_hsv(p, images):
    axis, (r, g, b) = _channels(p, images)
    value = p.reduce_max(images, [axis], keepdims=True)
    extent = value - p.reduce_min(images, [axis], keepdims=True)
    saturation = p.select(p.gt(value, 0), extent / value, 0)
    norm = p.reciprocal(extent * 6)
    hue = p.select(
        p.eq(r, value),
        norm * (g - b),
        p.select(p.eq(g, value), norm * (b - r) + 2 / 6, norm * (r - g) + 4 / 6),
    )
    hue = p.select(p.gt(extent, 0), hue, 0)
    hue = p.select(p.lt(hue, 0), hue + 1, hue)
    return p.concat([hue, saturation, value], axis)


def _lower_hsv_to_rgb(p, images):
    axis, (hue, saturation, value) = _channels(p, images)
    dh = hue * 6
    clip = lambda x: p.minimum(p.maximum(x, 0), 1)  # noqa: E731
    red = clip(p.abs(dh - 3) - 1)
    green = clip(2 - p.abs(dh - 2))
    blue = clip(2 - p.abs(dh - 4))
    mixed = [(1 - saturation + saturation * c) * value for c in (red, green, blue)]
    return p.concat(mixed, axis)


class _Adjust(Op):
    """Images changed by one number."""

    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    vectorize = "rows, shared"

    def shape(self, images, _amount):
        return images.with_rank_at_least(3)

    def check(self, images, name, amount):
        """Raises InvalidArgumentError unless these are images of three channels and a scalar."""
        if images.ndim < 3:
            raise self.invalid(f"input must be at least 3-D, got shape{show(images.shape)}")
        _require_rgb(self, images, InvalidArgumentError)
        if amount.ndim:
            raise self.invalid(f"{name} must be scalar: {show(amount.shape)}")


class AdjustContrastv2(_Adjust):
    """Each channel's distance from its mean over the image, scaled."""

    ranks = {"contrast_factor": (0,)}
    signature = "images: T, contrast_factor: float32 -> output: T"

    @quiet
    def eager(self, images, contrast_factor):
        if images.ndim < 3:
            raise self.invalid(f"input must be at least 3-D, got shape{show(images.shape)}")
        if np.ndim(contrast_factor):
            raise self.invalid(f"contrast_factor must be scalar: {show(contrast_factor.shape)}")
        x = in_float32(images)
        # NumPy warns of the mean of nothing, which is no number.
        pixels = x.shape[-3] * x.shape[-2]
        mean = add_up(x, (x.ndim - 3, x.ndim - 2), keepdims=True) / x.dtype.type(pixels)
        return (mean + contrast_factor * (x - mean)).astype(images.dtype, copy=False)

    def lower(self, p, images, contrast_factor):
        rank = len(images.shape)
        mean = p.reduce_mean(images, [rank - 3, rank - 2], keepdims=True)
        return mean + p.cast(contrast_factor, images.dtype) * (images - mean)


class AdjustHue(_Adjust):
    """RGB images with the hue rotated by delta."""

    ranks = {"delta": (0,)}
    signature = "images: T, delta: float32 -> output: T"

    @quiet
    def eager(self, images, delta):
        self.check(images, "delta", delta)
        hsv = rgb_to_hsv(in_float32(images))
        turned = hsv[..., 0] + delta
        hsv[..., 0] = turned - np.floor(turned)
        return hsv_to_rgb(hsv).astype(images.dtype, copy=False)

    def lower(self, p, images, delta):
        hsv = _lower_rgb_to_hsv(p, images)
        axis, (hue, saturation, value) = _channels(p, hsv)
        turned = hue + p.cast(delta, images.dtype)
        return _lower_hsv_to_rgb(p, p.concat([turned - p.floor(turned), saturation, value], axis))


class AdjustSaturation(_Adjust):
    """RGB images with the saturation scaled."""

    ranks = {"scale": (0,)}
    signature = "images: T, scale: float32 -> output: T"

    @quiet
    def eager(self, images, scale):
        self.check(images, "scale", scale)
        hsv = rgb_to_hsv(in_float32(images))
        hsv[..., 1] = np.clip(hsv[..., 1] * scale, 0, 1)
        return hsv_to_rgb(hsv).astype(images.dtype, copy=False)

    def lower(self, p, images, scale):
        hsv = _lower_rgb_to_hsv(p, images)
        axis, (hue, saturation, value) = _channels(p, hsv)
        scaled = p.minimum(p.maximum(saturation * p.cast(scale, images.dtype), 0), 1)
        return _lower_hsv_to_rgb(p, p.concat([hue, scaled, value], axis))


class AdjustContrast(Op):
    """Raises an error, as in TensorFlow since 2016: superseded by AdjustContrastv2."""

    signature = "images: T, contrast_factor: float32, min_value: float32, max_value: float32 -> output: float32"
    T = frozenset(
        {
            dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.float32,
            dtypes.float64,
        }
    )  # fmt: skip
    _removed = (
        "Op AdjustContrast is not available in GraphDef version 2474. It has been removed in version 2. "
        "Use AdjustContrastv2 instead."
    )

    def shape(self, images, contrast_factor, min_value, max_value):
        raise NotImplementedError(self._removed)

    @quiet
    def eager(self, images, contrast_factor, min_value, max_value):
        raise UnimplementedError(self._removed)
