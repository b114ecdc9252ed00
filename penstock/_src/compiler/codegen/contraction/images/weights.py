"""Weights of a convolution as panels for its inner loop."""

from functools import partial

from penstock._src.compiler.codegen.contraction.pack import (
    load_as,
    pack_across,
    pack_along,
    pack_single,
)
from penstock._src.compiler.codegen.contraction.products.pairs import load_pairs
from penstock._src.compiler.codegen.contraction.tile import Types, times
from penstock._src.native import Val
from penstock._src.native.language.function import Fn

from .convolution import Filter


def pack_tap(
    f: Fn, w: Filter, source: Val, at, width: int, count, channels: int, dst: Val, types: Types, lanes: int
) -> None:  # fmt: skip
    """One tap's weights as dst[channel][width]: of `count` outputs from offset `at` on; those past it are never used."""
    common = w.element, types.total
    if w.output == 1:
        read = load_as if w.second is None else partial(load_pairs, w.second)
        where = f, source, at, w.channel, width, count, channels, dst, width
        pack_along(*where, *common, lanes, read=read)
    elif w.channel == 1:
        pack_across(f, source, at, w.output, width, count, channels, dst, width, *common, lanes)
    else:
        place = lambda o, k: at + times(f, o, w.output) + times(f, k, w.channel)
        pack_single(f, source, place, width, count, channels, dst, width, *common)
