"""Access to Pillow, simplejpeg and isal, optional libraries, which are loaded when an image file is first read or written."""

import contextlib
import ctypes
import functools
import importlib
import importlib.util
import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.native.algorithms.pictures.jpeg import FUNCTIONS
from penstock._src.native.algorithms.pictures.resized import pictures
from penstock._src.native.systems import runs_native_code
from penstock._src.util.process.installing import pip_install

# Pixel limit for any file, independent of its size.
_PIXELS_OF_NOTHING = 1 << 20


@contextlib.contextmanager
def _named(op: Any) -> Iterator[None]:
    """Name the package to install if the import in the block fails."""
    try:
        yield
    except ImportError:
        raise UnimplementedError(
            f"{type(op).__name__}: image files need Pillow and simplejpeg: {pip_install('image')}."
        ) from None


def _pillow(op: Any) -> Any:
    with _named(op):
        return importlib.import_module("PIL.Image")


@functools.cache
def _simplejpeg() -> Any:
    return importlib.import_module("simplejpeg")


def turbo(op: Any) -> Any:
    """simplejpeg, a wheel of libjpeg-turbo.

    Raises:
      UnimplementedError: it is not installed.
    """
    with _named(op):
        return _simplejpeg()


@functools.cache
def jpeg_functions() -> np.ndarray | None:
    """The addresses of libjpeg's functions for native code; None unless Pillow is there and brings a libjpeg-turbo that fits.

    simplejpeg, which decodes single files, has the same library inside, but does not show its functions.
    """
    if os.name != "posix" or not runs_native_code():
        return None
    try:
        extension = importlib.import_module("PIL._imaging")
        if not extension.HAVE_LIBJPEGTURBO:  # PIL.features says the same, but imports all of Pillow
            return None
        library = ctypes.CDLL(extension.__file__)
        addresses = [ctypes.cast(library[name], ctypes.c_void_p).value for name in FUNCTIONS]
    except (ImportError, OSError, AttributeError):
        return None
    functions = np.array(addresses, np.int64)
    return None if pictures().fits(functions) else functions


@functools.cache
def inflaters() -> tuple[Any, ...]:
    """Return modules like zlib, the fastest first. The last one is zlib; its errors are reported."""
    if importlib.util.find_spec("isal") is None:
        return (zlib,)
    return importlib.import_module("isal.isal_zlib"), zlib


def opened(op: Any, data: bytes) -> Any:
    """The image in a file's bytes.

    Raises:
      InvalidArgumentError: it cannot be read.
    """
    library = _pillow(op)
    with reading(op, data):
        image = library.open(io.BytesIO(data))
        image.load()
    return image


def check_size(op: Any, data: bytes, pixels: int, per_byte: int) -> None:
    """Raise InvalidArgumentError if a file is too short for `pixels` pixels. A byte holds at most `per_byte`."""
    if pixels > per_byte * len(data) + _PIXELS_OF_NOTHING:
        raise op.invalid(f"Invalid image data, size {len(data)}: it cannot hold {pixels} pixels.")


@contextlib.contextmanager
def reading(op: Any, data: bytes) -> Iterator[None]:
    """Within this block Pillow's errors for damaged data become InvalidArgumentErrors."""
    bomb = _pillow(op).DecompressionBombError
    try:
        yield
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, bomb) as error:
        raise op.invalid(f"Invalid image data, size {len(data)}: {error}") from None


def decoded(op: Any, data: bytes, mode: str | None, ratio: int, fast: bool) -> Any:
    """A JPEG at a `ratio`-th of its size, in planes of `mode` or (None) as in `opened`.

    `fast` takes libjpeg's fast transform, and repeats chroma instead of interpolating it.

    Raises:
      InvalidArgumentError: it cannot be read.
    """
    library = _pillow(op)
    try:
        image = library.open(io.BytesIO(data), formats=["JPEG"])
        image.draft(mode, None)
        if ratio > 1:  # `draft` itself limits the ratio by the image's size
            width, height = image._size = tuple(-(-n // ratio) for n in image.size)
            image.tile = [tile._replace(extents=(0, 0, width, height)) for tile in image.tile]
        image.decoderconfig = (ratio, int(fast))
        image.load()
        return image
    except (OSError, SyntaxError, ValueError, EOFError, library.DecompressionBombError) as error:
        raise op.invalid(
            f"Invalid JPEG data or crop window, data size {len(data)}: {error}"
        ) from None


def saved(op: Any, pixels: np.ndarray, form: str, **options: Any) -> bytes:
    """The bytes of a file of an image of uint8."""
    library = _pillow(op)
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    image = library.fromarray(np.ascontiguousarray(flat))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
