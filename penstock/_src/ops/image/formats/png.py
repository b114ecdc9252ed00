"""Decodes PNG files like libpng: all color types, depths and both interlacings.

Pillow reduces 16-bit colors to 8 bits; TensorFlow keeps them.

Source: PNG (Portable Network Graphics) Specification, Third Edition, W3C 2025.
"""

import struct
import zlib
from typing import Any

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.algorithms.pictures import png_filters
from penstock._src.native.readers.png_rows import png_rows
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.image.formats.libraries import inflaters
from penstock._src.ops.image.formats.png_gray import Light, gray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Deflate's best ratio, and the maximum expansion of a few bytes.
_MOST_PER_BYTE, _BYTES_OF_NOTHING = 1032, 1 << 16
_DATA_BYTES = 8192  # of a chunk of compressed rows
_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
# Samples per pixel of each color type.
_SAMPLES = {_GRAY: 1, _RGB: 3, _PALETTE: 1, _GRAY_ALPHA: 2, _RGB_ALPHA: 4}
_DEPTHS = {_GRAY: (1, 2, 4, 8, 16), _PALETTE: (1, 2, 4, 8)}
# Adam7: first row, first column, step of rows, step of columns of each pass.
_PASSES = (
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
)  # fmt: skip


def png_pixels(op: Any, data: bytes, channels: int, for_bytes: bool) -> np.ndarray:
    """The pixels `[height, width, channels]` of a PNG: uint16 where the file has 16 bits, else uint8.

    Args:
      op: the operation, for messages.
      data: the bytes of the file.
      channels: 0 (as the file has them), 1, 3 or 4.
      for_bytes: whether pixels of 16 bits will lose the lower 8.

    Raises:
      InvalidArgumentError: the file cannot be read, or the number of channels is invalid.
    """
    if channels not in (0, 1, 3, 4):
        raise op.invalid(f"channels must be 0, 1, 3, or 4, got {channels}")
    try:
        pixels, depth, own, light = _read(data)
    except (struct.error, zlib.error, ValueError, IndexError, KeyError) as error:
        raise op.invalid(f"Invalid PNG data, size {len(data)}: {error}") from None
    wanted = channels or own
    if wanted == 1 and pixels.shape[-1] > 2:
        return gray(pixels[..., :3], light, for_bytes)
    return pixels if wanted == pixels.shape[-1] else _with_channels(pixels, wanted, depth)


def _read(data: bytes) -> tuple[np.ndarray, int, int, Light]:
    """The pixels, the depth of their samples in the file, the number of channels by default, and how numbers relate to light.

    A transparent color adds no channel by default, but to a palette.
    """
    chunks = _chunks(data)
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    samples = _SAMPLES[color]
    if not width or not height:
        raise ValueError(f"an image of {width} x {height} pixels")
    if depth not in _DEPTHS.get(color, (8, 16)):
        raise ValueError(f"no samples of color type {color} have {depth} bits")
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    parts = [
        (len(range(row, height, down)), len(range(column, width, across)) * samples)
        for row, column, down, across in passes
    ]
    size = sum(rows * (1 + _row_bytes(values, depth)) for rows, values in parts if values)
    stream, begin = _inflated(chunks[b"IDAT"], size), 0
    if not interlaced:
        read = _unfiltered(stream, 0, height, width * samples, depth, samples)
        pixels = read.reshape(height, width, samples)
    else:
        pixels = np.empty((height, width, samples), np.uint16 if depth == 16 else np.uint8)
        for (row, column, down, across), (rows, values) in zip(passes, parts):
            if rows and values:
                read = _unfiltered(stream, begin, rows, values, depth, samples)
                pixels[row::down, column::across] = read.reshape(rows, -1, samples)
                begin += rows * (1 + _row_bytes(values, depth))
    expanded = _expanded(pixels, depth, color, chunks.get(b"PLTE"), chunks.get(b"tRNS"))
    own = expanded.shape[-1] if color == _PALETTE else samples
    return expanded, depth, own, Light.of(chunks)


def _inflated(data: bytes, size: int) -> bytes:
    """The decompressed bytes, `size` of them.

    Raises:
      ValueError: there are fewer.
    """
    if size > _MOST_PER_BYTE * len(data) + _BYTES_OF_NOTHING:  # before they take memory
        raise ValueError(f"{len(data)} bytes of image data do not hold {size}")
    memory_limit.require_bytes(size, "PNG")
    inflated = b""
    for library in inflaters():
        decoder = library.decompressobj()
        try:
            inflated = decoder.decompress(data, max(size, 1))
            decoder.decompress(decoder.unconsumed_tail, 1 << 16)  # compares the checksum
        except library.error:
            if library is zlib:
                raise
            continue
        if len(inflated) >= size and decoder.eof:
            return inflated
    raise ValueError(f"image data has {len(inflated)} bytes; {size} are needed")


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The contents of the chunks by name; chunks of the same name are concatenated."""
    bodies_by_name: dict[bytes, list[memoryview]] = {}
    view, at = memoryview(data), len(_SIGNATURE)
    while b"IEND" not in bodies_by_name:
        if len(data) < at + 12 or len(data) < at + 12 + int.from_bytes(data[at : at + 4], "big"):
            raise ValueError(f"the chunk at byte {at} is cut off")
        size, name = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + size)
        if checksum != zlib.crc32(view[at + 4 : at + 8 + size]):
            raise ValueError(f"bad checksum of chunk {name!r}")
        bodies_by_name.setdefault(name, []).append(view[at + 8 : at + 8 + size])
        at += 12 + size
    return {name: b"".join(bodies) for name, bodies in bodies_by_name.items()}


def _row_bytes(values: int, depth: int) -> int:
    return (values * depth + 7) // 8


def _unfiltered(
    stream: bytes, begin: int, rows: int, values: int, depth: int, samples: int
) -> np.ndarray:
    """The samples `[rows, values]` of one pass, with the row filters undone; its bytes start at `begin`."""
    size, step = _row_bytes(values, depth), max(samples * depth // 8, 1)
    if len(stream) - begin < rows * (size + 1):  # native code reads them all
        raise ValueError(f"image data of {len(stream)} bytes end before {rows} rows")
    undo = _undone_by_native_code if runs_native_code() else _undone_by_numpy
    out = undo(stream, begin, rows, size, step)
    if depth == 16:
        return out.view(">u2").astype(np.uint16)
    if depth == 8:
        return out
    bits = np.unpackbits(out, axis=1).reshape(rows, -1, depth)
    return (bits @ (1 << np.arange(depth)[::-1])).astype(np.uint8)[:, :values]


def _undone_by_native_code(
    stream: bytes, begin: int, rows: int, size: int, step: int
) -> np.ndarray:
    out = empty_aligned((rows, size), np.dtype(np.uint8))
    wrong = png_rows().undo(stream, begin, rows, size, step, out)
    if wrong >= 0:
        raise ValueError(f"row {wrong} has the unknown filter {stream[begin + wrong * (size + 1)]}")
    return out


def _undone_by_numpy(stream: bytes, begin: int, rows: int, size: int, step: int) -> np.ndarray:
    lines = np.frombuffer(stream, np.uint8, rows * (size + 1), begin).reshape(rows, size + 1)
    out = np.empty((rows, size), np.uint8)
    above = np.zeros(size, np.uint8)
    for at, line in enumerate(lines):
        above = out[at] = _unfilter(int(line[0]), line[1:], above, step)
    return out


def _unfilter(kind: int, line: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Undoes the filter of a row, given the row above and the bytes per pixel."""
    if kind == 0:
        return line
    if kind == 2:
        return line + above
    if kind == 1:
        padded = np.pad(line, (0, -len(line) % step)).reshape(-1, step)
        return np.cumsum(padded, axis=0, dtype=np.uint8).reshape(-1)[: len(line)]
    if kind not in (3, 4):
        raise ValueError(f"unknown filter {kind}")
    row, upper = line.tolist(), above.tolist()
    for at in range(len(row)):
        left, corner = (row[at - step], upper[at - step]) if at >= step else (0, 0)
        guess = (left + upper[at]) // 2 if kind == 3 else _paeth(left, upper[at], corner)
        row[at] = (row[at] + guess) & 255
    return np.array(row, np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    """The one of the three that is nearest to left + up - corner."""
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _expanded(
    pixels: np.ndarray, depth: int, color: int, palette: bytes | None, clear: bytes | None
) -> np.ndarray:
    """Gray or colors of 8 or 16 bits, with the alpha of a transparency chunk."""
    if color == _PALETTE:
        table = np.frombuffer(palette or b"", np.uint8).reshape(-1, 3)
        if clear is not None:
            alpha = np.full(len(table), 255, np.uint8)
            alpha[: len(clear)] = np.frombuffer(clear, np.uint8)
            table = np.concatenate([table, alpha[:, None]], axis=1)
        return table[pixels[..., 0]]
    scaled = pixels * (255 // ((1 << depth) - 1)) if depth < 8 else pixels
    if clear is None or color not in (_GRAY, _RGB):
        return scaled.astype(pixels.dtype, copy=False)
    key = np.frombuffer(clear, ">u2").astype(np.int64)
    alpha = np.where((pixels == key).all(axis=-1, keepdims=True), 0, np.iinfo(pixels.dtype).max)
    return np.concatenate([scaled, alpha], axis=-1).astype(pixels.dtype)


def _with_channels(pixels: np.ndarray, channels: int, depth: int) -> np.ndarray:
    """The pixels with another number of channels."""
    has_alpha = pixels.shape[-1] in (2, 4)
    colors = pixels[..., :-1] if has_alpha else pixels
    # TensorFlow fills alpha with the maximum of the file's bit depth.
    full = np.full_like(pixels[..., :1], (1 << depth) - 1)
    if channels == 1:
        return colors
    if colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    if channels == 3:
        return colors
    return np.concatenate([colors, pixels[..., -1:] if has_alpha else full], axis=-1)


def _filtered(lines: np.ndarray, step: int) -> np.ndarray:
    """Return rows of bytes, each after the number of its filter: the one with the smallest sum of differences.

    Source: PNG specification (W3C, 2003), section 12.8.
    """
    left, above, corner = (np.zeros_like(lines) for _ in range(3))
    left[:, step:] = lines[:, :-step]
    above[1:] = lines[:-1]
    corner[1:, step:] = lines[:-1, :-step]
    middle = ((left.astype(np.uint16) + above) >> 1).astype(np.uint8)
    filtered = np.empty((len(lines), 1 + lines.shape[1]), np.uint8)
    least = np.full(len(lines), np.iinfo(np.int64).max)
    for number, guess in enumerate((None, left, above, middle, _nearest(left, above, corner))):
        rest = lines if guess is None else lines - guess
        sums = np.abs(rest.view(np.int8).astype(np.int16)).sum(1, dtype=np.int64)
        better = sums < least
        filtered[better, 0], least[better] = number, sums[better]
        filtered[better, 1:] = rest[better]
    return filtered


def _nearest(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return the one of three bytes that is nearest to left + above - corner (Paeth 1991)."""
    a, b, c = (x.astype(np.int16) for x in (left, above, corner))
    by_left, by_above, by_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    chosen = np.where(by_above <= by_corner, above, corner)
    return np.where((by_left <= by_above) & (by_left <= by_corner), left, chosen)


def _compressed(data: bytes, level: int) -> bytes:
    """Return what libpng makes of filtered rows: zlib with a window as small as their size allows, which is less to clear."""
    bits = zlib.MAX_WBITS
    # zlib looks ahead by 262 bytes, and has no window of 2^8.
    while bits > 9 and len(data) + 262 <= 1 << bits - 1:
        bits -= 1
    stream = zlib.compressobj(level, zlib.DEFLATED, bits, zlib.DEF_MEM_LEVEL, zlib.Z_FILTERED)
    compressed = stream.compress(data) + stream.flush()
    # The header names the smallest window that holds all of the data, from 2^8 on.
    while bits > 8 and len(data) <= 1 << bits - 1:
        bits -= 1
    method, level_bits = (bits - 8) << 4 | zlib.DEFLATED, compressed[1] & 0xE0
    return bytes([method, level_bits + 31 - (method << 8 | level_bits) % 31]) + compressed[2:]


def png_file(pixels: np.ndarray, level: int) -> bytes:
    """A PNG of uint8 or uint16 pixels `[height, width, 1 to 4]`, compressed at a level of zlib."""
    height, width, samples = pixels.shape
    color = {1: _GRAY, 2: _GRAY_ALPHA, 3: _RGB, 4: _RGB_ALPHA}[samples]
    size = pixels.itemsize
    lines = pixels.astype(f">u{size}").view(np.uint8).reshape(height, -1)
    filter_rows = png_filters.filtered if runs_native_code() else _filtered
    filtered = filter_rows(lines, samples * size)
    header = struct.pack(">IIBBBBB", width, height, 8 * size, color, 0, 0, 0)
    body = _compressed(filtered.tobytes(), level)
    data = [(b"IDAT", body[at : at + _DATA_BYTES]) for at in range(0, len(body), _DATA_BYTES)]
    parts = ((b"IHDR", header), *data, (b"IEND", b""))
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in parts
    )
