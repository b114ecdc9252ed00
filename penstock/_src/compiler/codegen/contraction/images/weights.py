"""Weights of a convolution as panels for its inner loop, and pairs of bfloat16 channels as float channels."""

from dataclasses import replace
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.contraction.pack import (
    load_as,
    pack_across,
    pack_along,
    pack_single,
)
from penstock._src.compiler.codegen.contraction.products.pairs import load_pairs
from penstock._src.compiler.codegen.contraction.tile import Types, times
from penstock._src.native import Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import BF16, F32

from .convolution import Convolution, Filter
from .window import Image


def pack_tap(
    f: Fn, w: Filter, source: Val, at, width: int, count, channels: int, dst: Val, types: Types, lanes: int
) -> None:  # fmt: skip
    """One tap's weights as dst[channel][width]: of `count` outputs from offset `at` on; those past it are never used."""
    panel: Any = dict(
        width=width, count=count, nk=channels, dst=dst, dst_stride=width, element=w.element, total=types.total
    )  # fmt: skip
    if w.output == 1:
        read = load_as if w.second is None else partial(load_pairs, w.second)
        pack_along(f, source, at, w.channel, lane_count=lanes, read=read, **panel)
    elif w.channel == 1:
        pack_across(f, source, at, w.output, lane_count=lanes, **panel)
    else:
        place = lambda o, k: at + times(f, o, w.output) + times(f, k, w.channel)
        pack_single(f, source, place, **panel)


def in_pairs(conv: Convolution, target: Target) -> Convolution:
    """The convolution by dot products of pairs (products/pairs.py), if it is one of bfloat16 and may be; else the same."""
    types = conv.types
    if (types.left, types.right, types.total) != (BF16, BF16, F32) or not target.multiplies_pairs:
        return conv
    x, weights = _image(conv.x), _filter(conv.filter)
    # A pair is one number of 32 bits, so that all distances have to be whole pairs.
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
