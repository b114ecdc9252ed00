"""Chooses the size of the blocks of images on which tasks work (window.py)."""

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

from .window import Axis, Image, ImageWindow

# Least pixels of a block, so that each weight that is loaded is used often enough.
WANTED_PIXELS = 96
TYPICAL_BATCH = 16
HEAVY_WEIGHTS = 1 << 20  # bytes of weights that are better read once for several small images
MOST_PIXELS_AT_ONCE = 196  # most pixels of several images in a block


@dataclass(frozen=True)
class WindowLimits:
    """The limits of a window's size.

    size          bytes of a window
    most          bytes of one that has `wanted` pixels only so
    least_blocks  into which the rows of an image are cut
    weight_bytes  of the weights that each block reads
    threads       that share the blocks, each image's by `split`
    """

    size: int
    most: int
    threads: int
    wanted: int = WANTED_PIXELS
    least_blocks: int = 1
    weight_bytes: int = 0
    split: int = 1


def is_dense(x: Image, h: Axis, w: Axis, total: str) -> bool:
    """True if an image can be read in place: no border, contiguous channels, no conversion."""
    return x.channel == 1 and not h.has_border and not w.has_border and x.element == total


def choose_rows(h: Axis, w: Axis, channels: int, size: int, limits: WindowLimits) -> int:
    """Output rows of a block: as many as fit in the memory, and enough for the wanted pixels; `size` is an element's bytes."""
    room = lambda rows: h.reach(rows) * w.reach(w.out) * channels * size
    # Divisors only: all blocks are alike and share the code of their tiles.
    fit = [r for r in divisors(h.out) if room(r) <= limits.size]
    most = max(4 * limits.size, limits.most)
    many = [r for r in divisors(h.out) if r * w.out >= limits.wanted and room(r) <= most]
    # No block has the wanted pixels: the largest that has room.
    many = many or [r for r in reversed(divisors(h.out)) if room(r) <= most]
    rows = max([*fit, *many[:1], 1])
    if limits.least_blocks > 1 and h.out:
        cut = [r for r in divisors(h.out) if h.out // r >= limits.least_blocks]
        rows = min(rows, max(cut, default=1))
    return rows


def choose_images(
    h: Axis, w: Axis, channels: int, batch: Extent, size: int, limits: WindowLimits
) -> int:
    """The number of whole images in a block: several small ones if weights are large."""
    if limits.weight_bytes <= HEAVY_WEIGHTS:
        return 1
    room = h.reach(h.out) * w.reach(w.out) * channels * size
    several = min(MOST_PIXELS_AT_ONCE // max(1, h.out * w.out), 3 * limits.size // max(1, room))
    images = batch if is_static(batch) else TYPICAL_BATCH
    # Several images share weights that come from far, but not at the price of idle threads.
    while several > 1 and -(-images // several) * limits.split < 3 * limits.threads:
        several -= 1
    return max(1, several)


def choose_window(
    x: Image, h: Axis, w: Axis, channels: int, batch: Extent, total: str, lanes: int, limits: WindowLimits,
    copied: bool = False, kind: type[ImageWindow] = ImageWindow, shift: int = 0, blank: int = 0,
) -> ImageWindow:  # fmt: skip
    """The window of a convolution or a gradient; it is a copy where the image is not dense, or if `copied`."""
    size = SIZE[total]
    rows = choose_rows(h, w, channels, size, limits)
    images = choose_images(h, w, channels, batch, size, limits) if rows == h.out else 1
    return kind(
        x, h, w, channels, total, lanes, copied or not is_dense(x, h, w, total), rows, images, shift, blank
    )  # fmt: skip


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]
