"""The door to Pillow, an optional library: loaded when an image file is first read or written."""

import importlib
import io
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.ops.rules import invalid


def _pillow(op: Any) -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise UnimplementedError(
            f"{type(op).__name__}: image files need Pillow: pip install penstock[image]."
        ) from None


def opened(op: Any, data: bytes) -> Any:
    """The image in a file's bytes.

    Raises:
      InvalidArgumentError: it cannot be read.
    """
    library = _pillow(op)
    try:
        image = library.open(io.BytesIO(data))
        image.load()
        return image
    except (OSError, SyntaxError, ValueError) as error:
        raise invalid(op, f"Invalid image data, size {len(data)}: {error}") from None


def saved(op: Any, pixels: np.ndarray, form: str, **options: Any) -> bytes:
    """The bytes of a file of an image."""
    library = _pillow(op)
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    if flat.dtype == np.uint16:
        if flat.ndim == 2:
            image = library.fromarray(flat)
        else:
            raise UnimplementedError(
                f"{type(op).__name__}: 16-bit images with several channels are not implemented."
            )
    else:
        image = library.fromarray(np.ascontiguousarray(flat))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
