"""Reads GIF: the blocks of a file here, the compressed indices of each frame by Pillow.

Source of the format: GIF89a specification (CompuServe, 1990). As in TensorFlow, images are as large as the largest frame, each frame is
painted on the one before, whatever its disposal method says, and pixels that no frame has painted are black.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.native.algorithms.pictures.painting import COLORS, painting
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.image.formats.libraries import check_size, opened
from penstock._src.util.dataclass import dataclass

# Maximum number of pixels per byte: a code of 12 bits for up to 4096.
_OF_LZW = 4096 * 8 // 12
_EXTENSION, _IMAGE, _CONTROL = 0x21, 0x2C, 0xF9  # first bytes of blocks
_HAS_TABLE, _INTERLACED, _TRANSPARENT = 0x80, 0x40, 0x01  # flags


@dataclass
class _Frame:
    """A frame as it lies in the file.

    left, top, width, height  its rectangle, in pixels
    is_interlaced             whether rows are in the order of four passes
    colors                    bytes of the color table, three a color
    transparent               the index of pixels that are not painted, -1 for none
    codes                     the compressed indices, in blocks
    """

    left: int
    top: int
    width: int
    height: int
    is_interlaced: bool
    colors: bytes
    transparent: int
    codes: bytes


def gif_pixels(op: Any, data: bytes, channels: int = 3) -> np.ndarray:
    """The frames of a GIF.

    Args:
      op: the op that reads it, for messages.
      data: the bytes of the file.
      channels: 0 or 3.

    Returns:
      uint8 `[frames, height, width, 3]`.

    Raises:
      InvalidArgumentError: the file is damaged, or has no frame, or a frame no colors.
      ResourceExhaustedError: the frames are too large for the memory.
    """
    if channels not in (0, 3):
        raise op.invalid(f"channels must be 0 or 3 for GIF, got {channels}")
    frames: list[_Frame] = []
    try:
        for frame in _frames(data):
            frames.append(frame)
    except IndexError:
        # The whole frames of a file that is cut short are read, as TensorFlow reads them.
        if not frames:
            raise op.invalid(
                f"Invalid GIF data (size {len(data)}): it ends within a block"
            ) from None
    if not frames:
        raise op.invalid(f"Invalid GIF data (size {len(data)}): it has no frame")
    check_size(op, data, sum(frame.width * frame.height for frame in frames), _OF_LZW)
    shape = (len(frames), max(f.height for f in frames), max(f.width for f in frames), 3)
    memory_limit.require(shape, np.dtype(np.uint8), op.op_type)
    images = np.zeros(shape, np.uint8)
    for at, frame in enumerate(frames):
        if at:
            images[at] = images[at - 1]
        _paint(op, frame, images[at])
    return images


def _paint(op: Any, frame: _Frame, image: np.ndarray) -> None:
    """Paints the part of a frame that lies within the image."""
    colors = np.frombuffer(frame.colors, np.uint8).reshape(-1, 3)
    if not len(colors):
        raise op.invalid("missing color map for frame of a GIF")
    room = image[frame.top :, frame.left :][: frame.height, : frame.width]
    indices = _indices(op, frame)[: room.shape[0], : room.shape[1]]
    table = np.zeros((COLORS, 3), np.uint8)  # any index is in it; those beyond `colors` are errors
    table[: len(colors)] = colors
    paint = _painted_by_native_code if runs_native_code() else _painted_by_numpy
    most = paint(room, indices, table, frame.transparent)
    if most >= len(colors):
        raise op.invalid(f"found color index {most} outside of color map range {len(colors)}")


def _painted_by_native_code(
    room: np.ndarray, indices: np.ndarray, colors: np.ndarray, transparent: int
) -> int:
    rows, columns = indices.shape
    (line, _), (into_line, _, _) = indices.strides, room.strides
    return painting().paint(indices, line, rows, columns, colors, transparent, room, into_line)


def _painted_by_numpy(
    room: np.ndarray, indices: np.ndarray, colors: np.ndarray, transparent: int
) -> int:
    is_painted = indices != transparent
    room[is_painted] = colors[indices[is_painted]]
    return int(indices.max(where=is_painted, initial=0))


def _indices(op: Any, frame: _Frame) -> np.ndarray:
    """The indices of a frame's pixels, which Pillow reads from a file with this frame alone."""
    size = frame.width.to_bytes(2, "little") + frame.height.to_bytes(2, "little")
    depth = (len(frame.colors) // 3).bit_length() - 2
    table = bytes([_HAS_TABLE | depth, 0, 0]) + frame.colors
    image = bytes([_IMAGE, 0, 0, 0, 0]) + size + bytes([_INTERLACED * frame.is_interlaced])
    return np.asarray(opened(op, b"GIF89a" + size + table + image + frame.codes + b"\0;"))


def _frames(data: bytes) -> Iterator[_Frame]:
    """Yield the frames of a file, up to its end or an invalid block.

    Raises:
      IndexError: it ends within a block.
    """
    everywhere, at = _table(data, 10, 13)
    transparent = -1
    while at < len(data) and data[at] in (_EXTENSION, _IMAGE):
        if data[at] == _EXTENSION:
            if data[at + 1] == _CONTROL:
                transparent = data[at + 6] if data[at + 3] & _TRANSPARENT else -1
            at = _behind_blocks(data, at + 2)
            continue
        left, top, width, height = (
            int.from_bytes(data[i : i + 2], "little") for i in range(at + 1, at + 9, 2)
        )
        flags = data[at + 9]
        own, start = _table(data, at + 9, at + 10)
        at = _behind_blocks(data, start + 1)
        colors, codes = own or everywhere, data[start : at - 1]
        yield _Frame(
            left, top, width, height, bool(flags & _INTERLACED), colors, transparent, codes
        )
        transparent = -1


def _table(data: bytes, flags: int, start: int) -> tuple[bytes, int]:
    """(the color table described by the flags at a position, its end)."""
    size = 3 << (data[flags] & 7) + 1 if data[flags] & _HAS_TABLE else 0
    return data[start : start + size], start + size


def _behind_blocks(data: bytes, at: int) -> int:
    """Return the position after a sequence of blocks of up to 255 bytes, which an empty block ends."""
    while data[at]:
        at += data[at] + 1
    return at + 1
