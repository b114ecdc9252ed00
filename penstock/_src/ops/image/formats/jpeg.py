"""Decodes JPEG files to the same bits as TensorFlow.

TensorFlow uses libjpeg's fast integer transform and interpolates chroma ("fancy upsampling"). simplejpeg, a wheel of libjpeg-turbo, does
both, without Python's lock. What it does not do is left to Pillow: inks, damaged files, and images so small that it cannot be told by how
much to scale them down.

Pillow offers the fast transform only without interpolation. So it decodes the planes of the file, with repeated chroma samples; the repeats
are dropped here, and interpolation and color conversion follow in libjpeg's integer arithmetic.

Source: jdsample.c and jdcolor.c of libjpeg.
"""

import re
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.native.algorithms.pictures.jpeg import ACCURATE, FAST, MOST_BEFORE
from penstock._src.native.algorithms.pictures.resized import pictures
from penstock._src.ops.image.formats.libraries import (
    check_size,
    decoded,
    jpeg_functions,
    opened,
    turbo,
)

_RATIOS = (1, 2, 4, 8)
_MOST = 1 << 28  # pixels
_CHANNELS = {"Gray": 1, "YCbCr": 3, "RGB": 3, "CMYK": 4, "YCCK": 4}
_STRIPE = 1 << 18  # pixels that are converted at a time, in rows of chroma
# The only warning of a file whose header states fewer rows than there are.
_LEFT_OVER = re.compile(r"Corrupt JPEG data: \d+ extraneous bytes before marker 0xd9")
# First bytes of segments, and their kinds: frames coded from top to bottom, scans, and others (tables, notes).
_MARKER, _FRAMES, _SCAN, _OTHERS = 0xFF, (0xC0, 0xC1), 0xDA, {0xC4, 0xDB, *range(0xE0, 0xF0), 0xFE}
# Byte of a frame in which the first component's numbers of blocks are, of others every third.
_SAMPLING = 7
_OF_BLOCKS = 8 * 64  # maximum number of pixels per byte: a bit for each block


def jpeg_pixels(
    op: Any,
    data: bytes,
    channels: int,
    ratio: int = 1,
    fancy: bool = True,
    method: str = "",
    window: tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """The pixels `[height, width, channels]` of a JPEG.

    Args:
      op: the operation, for messages.
      data: the bytes of the file.
      channels: 0 (as the file has them), 1 or 3.
      ratio: divisor of height and width: 1, 2, 4 or 8.
      fancy: interpolate chroma instead of repeating it.
      method: the inverse transform: "", "INTEGER_FAST" or "INTEGER_ACCURATE".
      window: the first row and column, and the numbers of rows and columns that are needed, if not all.

    Raises:
      InvalidArgumentError: the file is not a JPEG, or an argument is invalid.
    """
    if channels not in (0, 1, 3):
        raise op.invalid(f"channels must be 0, 1, or 3 for JPEG, got {channels}")
    if ratio not in _RATIOS:
        raise op.invalid(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if method not in ("", "INTEGER_FAST", "INTEGER_ACCURATE"):
        raise op.invalid(
            f"dct_method must be one of {{'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}}, got {method!r}"
        )
    fast = method != "INTEGER_ACCURATE"
    pixels = None
    if window is not None and ratio == 1:
        cropped = _window(op, data, channels, window, fancy, fast)
        if cropped is not None:
            return cropped
        pixels = _upper_rows(op, data, channels, window[0] + window[2], fancy, fast)
    if pixels is None:
        pixels = _by_turbo(op, data, channels, ratio, fancy, fast)
    if pixels is None:
        pixels = _by_pillow(op, data, channels, ratio, fancy, fast)
    if window is None:
        return pixels
    top, left, rows, columns = window
    return pixels[top : top + rows, left : left + columns]


def jpeg_shape(op: Any, data: bytes) -> tuple[int, int, int]:
    """Height, width and channels of a JPEG, by its header alone.

    Raises:
      InvalidArgumentError: it cannot be read.
    """
    try:
        height, width, space, _ = turbo(op).decode_jpeg_header(data)
        return height, width, _CHANNELS[space]
    except (ValueError, KeyError):
        image = opened(op, data)
        return image.height, image.width, len(image.getbands())


def _by_turbo(
    op: Any, data: bytes, channels: int, ratio: int, fancy: bool, fast: bool
) -> np.ndarray | None:
    """The pixels, or None if Pillow is needed to decode them or to report the error."""
    library = turbo(op)
    try:
        height, width, space, _ = library.decode_jpeg_header(data)
        check_size(op, data, height * width, _OF_BLOCKS)
        if space == "CMYK" or not _is_scaled_by(ratio, height, width) or height * width > _MOST:
            return None
        return library.decode_jpeg(
            data,
            _planes(channels, space),
            fastdct=fast,
            fastupsample=not fancy,
            min_height=-(-height // ratio),
            min_width=-(-width // ratio),
            min_factor=ratio,
        )
    except ValueError:
        return None


def _window(
    op: Any,
    data: bytes,
    channels: int,
    window: tuple[int, int, int, int],
    fancy: bool,
    fast: bool,
) -> np.ndarray | None:
    """The pixels of a window as libjpeg crops them, or None if it does not.

    Chroma is interpolated within the blocks of the window, so its first and last columns differ from those of the whole image.
    """
    functions = jpeg_functions()
    if functions is None:
        return None
    try:
        height, width, space, _ = turbo(op).decode_jpeg_header(data)
    except ValueError:
        return None
    check_size(op, data, height * width, _OF_BLOCKS)
    top, left, rows, columns = window
    if space == "CMYK" or height * width > _MOST or top + rows > height or left + columns > width:
        return None
    depth = 1 if _planes(channels, space) == "GRAY" else 3
    room = columns + MOST_BEFORE
    method = FAST if fast else ACCURATE
    options = np.array([depth, method, fancy, *window, room], np.int64)
    pixels, before = np.empty((rows, room, depth), np.uint8), np.empty(1, np.int64)
    if pictures().cropped(functions, data, len(data), options, pixels, before):
        return None
    return pixels[:, int(before[0]) :][:, :columns]


def _planes(channels: int, space: str) -> str:
    return "GRAY" if channels == 1 or channels == 0 and space == "Gray" else "RGB"


def _upper_rows(
    op: Any, data: bytes, channels: int, rows: int, fancy: bool, fast: bool
) -> np.ndarray | None:
    """Return at least `rows` rows from the top, or None where all have to be decoded.

    The header of what is decoded states fewer rows, so the decoder finds more data than it expects at the end. That it warns of this is
    what shows that the data of these rows are sound: of several warnings libjpeg only words the first.
    """
    library, header = turbo(op), _sequential(data)
    if header is None:
        return None
    at, height, unit = header
    # Interpolated chroma reads a row of the blocks below.
    less = -(-rows // unit) * unit + unit
    if less >= height:
        return None
    try:
        _, width, space, _ = library.decode_jpeg_header(data)
        check_size(op, data, height * width, _OF_BLOCKS)
        if space == "CMYK" or height * width > _MOST:
            return None
        planes = _planes(channels, space)
        pixels = np.empty((less, width, 1 if planes == "GRAY" else 3), np.uint8)
        shortened = data[:at] + less.to_bytes(2, "big") + data[at + 2 :]
        library.decode_jpeg(shortened, planes, fastdct=fast, fastupsample=not fancy, buffer=pixels)
    except ValueError as error:
        return pixels if _LEFT_OVER.fullmatch(str(error)) else None
    return pixels


def _sequential(data: bytes) -> tuple[int, int, int] | None:
    """(where a JPEG's height stands, the height, rows of its blocks that lie together), if all its data are in one scan from the top to
    the bottom, without markers to restart at: a decoder would look for them beyond the rows that it decodes."""
    at, frame = 2, None
    while at + 4 <= len(data) and data[at] == _MARKER:
        kind, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if kind in _FRAMES and frame is None and len(body) > _SAMPLING:
            components = body[5:6]
            unit = 8 * max(factors & 15 for factors in body[_SAMPLING::3])
            frame = at + 5, int.from_bytes(body[1:3], "big"), unit
        elif kind == _SCAN:
            return frame if frame and frame[2] and body[:1] == components else None
        elif kind not in _OTHERS:
            return None
        at += 2 + size
    return None


def _is_scaled_by(ratio: int, height: int, width: int) -> bool:
    """True if the smallest size requested fixes the ratio. Larger ratios give smaller images."""
    if ratio == 1 or ratio == _RATIOS[-1]:
        return ratio == 1 or max(height, width) > ratio
    return any(-(-size // ratio) > -(-size // (2 * ratio)) for size in (height, width))


def _by_pillow(
    op: Any, data: bytes, channels: int, ratio: int, fancy: bool, fast: bool
) -> np.ndarray:
    image = decoded(op, data, None, ratio, fast)
    if image.mode == "CMYK":
        if channels == 1:
            raise op.invalid(f"Invalid JPEG data or crop window, data size {len(data)}")
        return _from_inks(np.asarray(image))
    gray = image.mode == "L"
    if gray or channels == 1:
        luma = np.asarray(image if gray else decoded(op, data, "L", ratio, fast))
        return np.repeat(luma[..., None], 3 if channels == 3 else 1, axis=-1)
    steps = _chroma_steps(image.layer, ratio)
    if steps == (1, 1) or image.info.get("adobe_transform") == 0:
        return np.array(image)
    if fast and fancy:
        return _in_color(np.asarray(decoded(op, data, "YCbCr", ratio, fast)), *steps)
    if not fast and not fancy:
        raise UnimplementedError(
            f"{type(op).__name__}: the accurate transform with repeated chroma is not implemented."
        )
    return np.array(image)


def _chroma_steps(layers: Any, ratio: int) -> tuple[int, int]:
    """The numbers of rows and columns of luma per chroma sample, after scaling by `ratio`."""
    rows, columns = (max(part[at] for part in layers) for at in (2, 1))
    steps = rows // layers[1][2], columns // layers[1][1]
    # For a scaled-down image libjpeg uses a larger transform for chroma if it fits.
    room = ratio
    while room > 1 and all(step % 2 == 0 for step in steps):
        steps, room = (steps[0] // 2, steps[1] // 2), room // 2
    return steps


def _in_color(planes: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Red, green and blue from luma and repeated chroma, `[height, width, 3]`."""
    height, width = planes.shape[:2]
    colors = np.empty((height, width, 3), np.uint8)
    stripe = max(1, _STRIPE // (rows * width)) * rows
    for top in range(0, height, stripe):  # wide numbers only for some rows at a time
        bottom = min(top + stripe, height)
        # With the rows of chroma above and below, which its interpolation reads.
        first = max(top - rows, 0)
        part = planes[first : min(bottom + rows, height)].astype(np.int32)
        inside = slice(top - first, bottom - first)
        chroma = [
            _upsampled(part[::rows, ::columns, at], rows, columns)[inside, :width] for at in (1, 2)
        ]
        colors[top:bottom] = _to_rgb(part[inside, :, 0], *chroma)
    return colors


def _upsampled(plane: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Chroma at every pixel: each new sample is three parts its nearest and one part the next."""
    if (rows, columns) not in ((1, 2), (2, 2), (2, 1)) or columns == 2 and plane.shape[1] <= 2:
        return np.repeat(np.repeat(plane, rows, axis=0), columns, axis=1)
    if columns == 1:
        upper, lower = _weighted(plane, 0)
        return _interleaved((upper + 1) >> 2, (lower + 2) >> 2, 0)
    if rows == 1:
        left, right = _weighted(plane, 1)
        return _interleaved((left + 1) >> 2, (right + 2) >> 2, 1)
    sums = _interleaved(*_weighted(plane, 0), 0)
    left, right = _weighted(sums, 1)
    return _interleaved((left + 8) >> 4, (right + 7) >> 4, 1)


def _weighted(plane: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """3 x[i] + x[i - 1] and 3 x[i] + x[i + 1] along an axis; the ends are repeated."""
    at = np.arange(plane.shape[axis])
    before = plane.take(np.maximum(at - 1, 0), axis)
    after = plane.take(np.minimum(at + 1, at[-1]), axis)
    return 3 * plane + before, 3 * plane + after


def _interleaved(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
    pair = np.stack([first, second], axis + 1)
    shape = list(first.shape)
    shape[axis] *= 2
    return pair.reshape(shape)


def _to_rgb(luma: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """JFIF's color conversion in fixed point with 16 fraction bits."""
    half = 1 << 15
    blue, red = blue - 128, red - 128
    parts = (
        luma + ((91881 * red + half) >> 16),
        luma + ((-22554 * blue - 46802 * red + half) >> 16),
        luma + ((116130 * blue + half) >> 16),
    )
    return np.clip(np.stack(parts, axis=-1), 0, 255).astype(np.uint8)


def _from_inks(inks: np.ndarray) -> np.ndarray:
    """RGB from cyan, magenta, yellow and black."""
    left = 255 - inks.astype(np.int32)
    return (left[..., :3] * left[..., 3:] // 255).astype(np.uint8)
