"""Colors of images: HSV, contrast, hue, saturation."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel
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

single = np.float32
# For red, green and blue, by the sixth of the circle of hues: 0 if the channel is the smallest of the three, 1 the middle, 2 the largest.
_ORDERS = np.array([[2, 1, 0, 0, 1, 2], [1, 2, 2, 1, 0, 0], [0, 0, 1, 2, 2, 1]])


@quiet
def rgb_to_hsv(rgb, is_wide=False):
    """Hue, saturation and value, each of [0, 1].

    Args:
      rgb: floats `[..., 3]`.
      is_wide: True for the order of operations of TensorFlow's AdjustSaturation, which divides by six times the extent and adds thirds of
        the circle in double precision; False for that of its RGBToHSV. They differ in the last bit.
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(-1)
    extent = value - rgb.min(-1)
    kind = rgb.dtype.type

    def third(hue, share):
        return kind(np.float64(hue) + share) if is_wide else hue + kind(share)

    saturation = np.where(value > 0, extent / value, kind(0))
    norm = kind(1) / (kind(6) * extent) if is_wide else kind(1) / extent * kind(1 / 6)
    hue = np.where(red == value, norm * (green - blue), kind(0))
    hue = np.where((green == value) & (red != value), third(norm * (blue - red), 2 / 6), hue)
    last = (blue == value) & (red != value) & (green != value)
    hue = np.where(last, third(norm * (red - green), 4 / 6), hue)
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
    host_kernel = HostKernel(compiles_from=HEAVY)
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
        for channel, (value, most, least) in enumerate(
            (
                (r, red_most, red_least),
                (g, green_most, green_least),
                (b, blue_most, blue_least),
            )
        ):
            # hue = (x - y) / (6 extent) + const, with (x, y) by the largest channel
            signs = {0: (0, -1, 1), 1: (1, 0, -1), 2: (-1, 1, 0)}[channel]
            mosts = (red_most, green_most, blue_most)
            slope = sum((m * float(k) for m, k in zip(mosts, signs, strict=True) if k), most * 0.0)
            difference = red_most * (g - b) + green_most * (b - r) + blue_most * (r - g)
            by_hue = safe(slope, extent) - safe(difference * (most - least), extent * extent)
            # the saturation passes nothing to a channel which is not above zero
            by_saturation = by_s(most, least) * one(more(value, raw.ZerosLike(x=value)))
            parts.append(dh * by_hue / 6.0 + ds * by_saturation + dv * most)
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
    host_kernel = HostKernel(compiles_from=HEAVY)
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


def _lower_rgb_to_hsv(p, images, is_wide=False):
    def third(hue, share):
        wide = p.cast(hue, dtypes.float64) if is_wide else hue
        return p.cast(wide + share, hue.dtype)

    axis, (r, g, b) = _channels(p, images)
    value = p.reduce_max(images, [axis], keepdims=True)
    extent = value - p.reduce_min(images, [axis], keepdims=True)
    saturation = p.select(p.gt(value, 0), extent / value, 0)
    norm = p.reciprocal(extent * 6) if is_wide else p.reciprocal(extent) * (1 / 6)
    hue = p.select(
        p.eq(r, value),
        norm * (g - b),
        p.select(p.eq(g, value), third(norm * (b - r), 2 / 6), third(norm * (r - g), 4 / 6)),
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

    host_kernel = HostKernel(compiles_from=HEAVY)
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
        # NumPy warns about the mean of an empty array, which is NaN.
        pixels = x.shape[-3] * x.shape[-2]
        total = add_up(x.astype(np.float64), (x.ndim - 3, x.ndim - 2), keepdims=True)
        mean = (total / pixels).astype(x.dtype)
        return (mean + contrast_factor * (x - mean)).astype(images.dtype, copy=False)

    def lower(self, p, images, contrast_factor):
        rank = len(images.shape)
        wide = p.cast(images, dtypes.float64)
        mean = p.cast(p.reduce_mean(wide, [rank - 3, rank - 2], keepdims=True), images.dtype)
        return mean + p.cast(contrast_factor, images.dtype) * (images - mean)


class AdjustHue(_Adjust):
    """RGB images with the hue rotated by delta.

    A pixel keeps its largest and smallest channel, so whole numbers come back as they were; only the middle one is computed.

    Source: https://en.wikipedia.org/wiki/HSL_and_HSV#Hue_and_chroma
    """

    ranks = {"delta": (0,)}
    signature = "images: T, delta: float32 -> output: T"

    @quiet
    def eager(self, images, delta):
        self.check(images, "delta", delta)
        rgb = in_float32(images)
        red, green, blue = (rgb[..., channel] for channel in range(3))
        high, low = rgb.max(-1), rgb.min(-1)
        middle = np.maximum(np.minimum(red, green), np.minimum(np.maximum(red, green), blue))
        after_green = np.where(blue < red, 1, np.where(blue > green, 3, 2))
        sector = np.where(
            red < green, after_green, np.where(blue < green, 0, np.where(blue > red, 4, 5))
        )
        share = _along(sector % 2, (middle - low) / (high - low))
        hue = np.where(high == low, single(0), sector.astype(single) + share)
        hue = hue + single(delta if abs(delta) <= 1 else math.fmod(delta, 1)) * single(6)
        hue = np.where(hue < 0, hue + single(6), hue)
        hue = np.where(hue >= 6, hue - single(6), hue)
        sector = np.nan_to_num(np.floor(hue)).astype(np.int8)
        middle = low + _along(sector % 2, hue - np.floor(hue)) * (high - low)
        places = [np.choose(order, (low, middle, high)) for order in _ORDERS[:, sector]]
        return np.stack(places, -1).astype(images.dtype, copy=False)

    def lower(self, p, images, delta):
        axis, (red, green, blue) = _channels(p, p.cast(images, dtypes.float32))
        high = p.maximum(p.maximum(red, green), blue)
        low = p.minimum(p.minimum(red, green), blue)
        middle = p.maximum(p.minimum(red, green), p.minimum(p.maximum(red, green), blue))
        after_green = p.select(p.lt(blue, red), 1.0, p.select(p.gt(blue, green), 3.0, 2.0))
        others = p.select(p.lt(blue, green), 0.0, p.select(p.gt(blue, red), 4.0, 5.0))
        sector = p.select(p.lt(red, green), after_green, others)
        share = _lower_along(p, sector, (middle - low) / (high - low))
        hue = p.select(p.eq(high, low), 0.0, sector + share)
        whole = p.select(p.lt(delta, 0.0), 0.0 - p.floor(0.0 - delta), p.floor(delta))
        within = p.select(p.le(p.abs(delta), 1.0), delta, delta - whole)
        hue = hue + within * 6.0
        hue = p.select(p.lt(hue, 0.0), hue + 6.0, hue)
        hue = p.select(p.ge(hue, 6.0), hue - 6.0, hue)
        sector = p.floor(hue)
        middle = low + _lower_along(p, sector, hue - sector) * (high - low)
        levels = (low, middle, high)
        rgb = [
            _lower_by_sector(p, sector, [levels[n] for n in order]) for order in _ORDERS.tolist()
        ]
        return p.cast(p.concat(rgb, axis), images.dtype)


class AdjustSaturation(_Adjust):
    """RGB images with the saturation scaled.

    Source: https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB, in TensorFlow's order of operations.
    """

    ranks = {"scale": (0,)}
    signature = "images: T, scale: float32 -> output: T"

    @quiet
    def eager(self, images, scale):
        self.check(images, "scale", scale)
        hsv = rgb_to_hsv(in_float32(images), True)
        hue, saturation, value = (hsv[..., channel] for channel in range(3))
        chroma = np.clip(saturation * scale, 0, 1).astype(single) * value
        turned = hue * single(6)
        sector = np.nan_to_num(np.floor(turned)).astype(np.int8) % 6
        away = turned - single(2) * np.floor(turned / single(2))
        middle = chroma * (single(1) - np.abs(away - single(1)))
        levels = (np.zeros_like(chroma), middle, chroma)
        rgb = np.stack([np.choose(order, levels) for order in _ORDERS[:, sector]], -1)
        return (rgb + (value - chroma)[..., None]).astype(images.dtype, copy=False)

    def lower(self, p, images, scale):
        hsv = _lower_rgb_to_hsv(p, p.cast(images, dtypes.float32), is_wide=True)
        axis, (hue, saturation, value) = _channels(p, hsv)
        chroma = p.minimum(p.maximum(saturation * scale, 0), 1) * value
        turned = hue * 6
        away = turned - p.floor(turned * 0.5) * 2
        middle = chroma * (1 - p.abs(away - 1))
        levels = (p.full(chroma.shape, 0, dtypes.float32), middle, chroma)
        sector = p.floor(turned)
        rgb = [
            _lower_by_sector(p, sector, [levels[n] for n in order]) for order in _ORDERS.tolist()
        ]
        return p.cast(p.concat([c + (value - chroma) for c in rgb], axis), images.dtype)


def _along(is_odd, share):
    """A share of a sixth of the circle, counted from its end in odd sixths."""
    return np.where(is_odd, single(1) - share, share).astype(single)


def _lower_along(p, sector, share):
    is_odd = p.ne(p.floor(sector * 0.5) * 2, sector)
    return p.select(is_odd, 1 - share, share)


def _lower_by_sector(p, sector, values):
    """The value of each element's sixth."""
    result = values[-1]
    for number in reversed(range(len(values) - 1)):
        result = p.select(p.lt(sector, number + 1), values[number], result)
    return result


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
