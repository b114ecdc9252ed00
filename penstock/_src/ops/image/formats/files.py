"""Decodes image files by the format that their first bytes show, whichever op is used."""

import importlib
import struct
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.algorithms.pictures.painting import OPAQUE, ORDERS, painting
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.image.formats.gif import gif_pixels
from penstock._src.ops.image.formats.jpeg import jpeg_pixels
from penstock._src.ops.image.formats.libraries import opened, reading
from penstock._src.ops.image.formats.png import png_pixels


def kind_of(data: bytes) -> str | None:
    """The format of a file by its first bytes."""
    for name, start in (
        ("jxl", b"\xff\x0a"), ("jxl", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG\r\n\x1a\n"), ("gif", b"GIF8"), ("bmp", b"BM"),
    ):  # fmt: skip
        if data.startswith(start):
            return name
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def still_pixels(op: Any, data: bytes, channels: int, dtype: DType) -> np.ndarray:
    """The pixels of a still image (or of an animation with one frame), as `dtype`."""
    kind = kind_of(data)
    if kind == "bmp":
        raise op.invalid(
            "Trying to decode BMP format using a wrong op. Use `decode_bmp` or `decode_image` instead. "
            f"Op used: {op.op_type}"
        )
    pixels = pixels_of(op, data, channels, dtype)
    if kind == "gif":
        if len(pixels) != 1:
            raise op.invalid(f"Got {len(pixels)} frames, but animated gifs can only be decoded by tf.io.decode_gif or tf.io.decode_image.")  # fmt: skip
        return pixels[0]
    return pixels


def pixels_of(op: Any, data: bytes, channels: int, dtype: DType) -> np.ndarray:
    """The pixels of a file as `dtype`: `[height, width, channels]`; with frames first for GIF and WebP.

    Raises:
      InvalidArgumentError: the format is unknown, or it has no such number of channels.
    """
    kind = kind_of(data)
    if kind == "png":
        pixels = png_pixels(op, data, channels, dtype.size == 1)
    elif kind == "jpeg":
        pixels = jpeg_pixels(op, data, channels)
    elif kind == "bmp":
        pixels = bmp_pixels(op, data, channels)
    elif kind == "gif":
        pixels = gif_pixels(op, data, channels)
    elif kind == "webp":
        if dtype.size != 1:
            raise op.invalid("WebP only supports uint8")
        pixels = webp_pixels(op, data, channels)
    elif kind == "jxl":
        pixels = jxl_pixels(op, data, channels)
    else:
        known = "JPEG, JPEG XL, PNG, GIF, BMP, WebP"
        raise op.invalid(f"Unknown image file format. One of {known} required.")
    return _converted(pixels, dtype, deep=kind == "png")


def _converted(pixels: np.ndarray, dtype: DType, deep: bool) -> np.ndarray:
    """The pixels as `dtype`. Only PNG (`deep`) uses 16 bits; for others the lower 8 are zero."""
    if dtype.size > 1 and deep and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * 257
    if dtype.is_floating:
        scale = np.float32(1) / np.float32(np.iinfo(pixels.dtype).max)
        return pixels.astype(np.float32) * scale
    if dtype.size == 1:
        return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) << 8


def webp_pixels(op: Any, data: bytes, channels: int) -> np.ndarray:
    """The frames `[frames, height, width, channels]` of a WebP."""
    image = opened(op, data)
    bands = len(image.getbands())
    if channels not in (0, 3, 4):
        raise op.invalid(f"WebP only supports 3 or 4 channels, but {channels} were asked for")
    if channels not in (0, bands):
        raise op.invalid(f"channels attribute {channels} does not match bits per pixel from file {bands}")  # fmt: skip
    frames = []
    with reading(op, data):
        for at in range(getattr(image, "n_frames", 1)):
            image.seek(at)
            frames.append(np.asarray(image))
        return np.stack(frames)


def jxl_pixels(op: Any, data: bytes, channels: int) -> np.ndarray:
    """The pixels of a JPEG XL, decoded by Pillow's plugin, which is loaded on first use."""
    try:
        importlib.import_module("pillow_jxl")
    except ModuleNotFoundError as error:
        raise UnimplementedError(
            f"{op.op_type}: JPEG XL needs the package pillow-jxl-plugin, which is not installed."
        ) from error
    try:
        image = opened(op, data)
    except InvalidArgumentError as error:
        raise op.invalid("Failed to decode JXL header") from error
    mode = {0: image.mode, 1: "L", 3: "RGB", 4: "RGBA"}[channels]
    pixels = np.asarray(image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def bmp_pixels(op: Any, data: bytes, channels: int) -> np.ndarray:
    """The pixels of an uncompressed BMP: rows are padded to four bytes and bottom-up unless the height is negative."""
    if channels not in (0, 3, 4):
        raise op.invalid(f"channels must be 0, 3 or 4 for BMP, got {channels}")
    if len(data) < 32:
        raise op.invalid(f"Incomplete bmp content, requires at least 32 bytes to find the header size, width, height, and bpp, got {len(data)} bytes")  # fmt: skip
    offset, width, height, bits = struct.unpack("<iii2xH", data[10:14] + data[18:26] + data[26:30])
    bytes_per_pixel = bits // 8
    if bits not in (8, 24, 32):
        raise op.invalid(f"Number of channels inherent in the image must be 1, 3 or 4, was {bytes_per_pixel}")  # fmt: skip
    if not height:
        raise op.invalid("Height must be nonzero")
    stride = (width * bytes_per_pixel + 3) // 4 * 4
    if width <= 0 or offset < 0:
        raise op.invalid("Incomplete bmp content")
    difference = len(data) - offset - stride * abs(height)
    if difference:
        raise op.invalid(f"Input size should match (header_size + row_size * abs_height) but they differ by {difference}")  # fmt: skip
    first, step = (offset, stride) if height < 0 else (offset + stride * (height - 1), -stride)
    size = first, step, abs(height), width
    if not runs_native_code():
        return _arranged_by_numpy(data, *size, bytes_per_pixel, channels or bytes_per_pixel)
    arranged = empty_aligned((abs(height), width, channels or bytes_per_pixel), np.dtype(np.uint8))
    painting().arrange(data, *size, bytes_per_pixel, channels or bytes_per_pixel, arranged)
    return arranged


def _arranged_by_numpy(
    data: bytes, first: int, step: int, rows: int, columns: int, stored_channels: int, channels: int
) -> np.ndarray:
    stored = np.frombuffer(data, np.uint8)[min(first, first + step * (rows - 1)) :]
    lines = stored[: abs(step) * rows].reshape(rows, abs(step))[:: 1 if step > 0 else -1]
    arranged = np.full((rows, columns, channels), OPAQUE, np.uint8)
    for channel, source in enumerate(ORDERS[stored_channels][:channels]):
        arranged[..., channel] = lines[:, source : columns * stored_channels : stored_channels]
    return arranged
