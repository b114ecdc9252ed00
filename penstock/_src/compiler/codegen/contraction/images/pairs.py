"""Convolutions of bfloat16 by dot products of pairs (products/pairs.py): pairs of input channels are float channels."""

from dataclasses import replace

from penstock._src.native import Target
from penstock._src.native.language.types import BF16, F32

from .convolution import Convolution, Filter
from .window import Image


def in_pairs(conv: Convolution, target: Target) -> Convolution:
    """The convolution over pairs of channels, if it is one of bfloat16 and may be; else the same."""
    types = conv.types
    if (types.left, types.right, types.total) != (BF16, BF16, F32) or not target.multiplies_pairs:
        return conv
    x, weights = _image(conv.x), _filter(conv.filter)
    if conv.channels % 2 or x is None or weights is None:
        return conv
    return replace(conv, channels=conv.channels // 2, x=x, filter=weights, pairs=True)


def _image(x: Image) -> Image | None:
    steps = (x.image, x.row, x.column, x.group, x.base)
    if x.channel != 1 or not all(isinstance(s, int) and s % 2 == 0 for s in steps):
        return None
    image, row, column, group, base = (s // 2 for s in steps if isinstance(s, int))
    return Image(F32, image, row, column, 1, group, base)


def _filter(w: Filter) -> Filter | None:
    if w.output == 1:  # pairs are made of two rows while packing
        return replace(w, channel=2 * w.channel, second=w.channel)
    steps = (w.row, w.column, w.output, w.group, w.base)
    if w.channel != 1 or any(s % 2 for s in steps):
        return None
    row, column, output, group, base = (s // 2 for s in steps)
    return Filter(F32, row, column, 1, output, group, base)
