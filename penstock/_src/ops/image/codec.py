"""Decodes and encodes image files."""

import struct
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import HostKernel
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op, at_least
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.pictures.jpeg import ACCURATE, FAST
from penstock._src.ops.image.formats.files import (
    bmp_pixels,
    kind_of,
    pixels_of,
    still_pixels,
    webp_pixels,
)
from penstock._src.ops.image.formats.jpeg import jpeg_pixels, jpeg_shape
from penstock._src.ops.image.formats.libraries import saved
from penstock._src.ops.image.formats.picture_groups import decoded_each
from penstock._src.ops.image.formats.png import png_file
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import strings


def _image(op, contents):
    if contents.ndim:
        raise op.invalid(f"`contents` must be scalar but got shape{show(contents.shape)}")
    return contents.item()


def _static(channels):
    return [None, None, channels or None]


class _Decode(Op):
    """Base of the ops that decode a still image of any format."""

    ranks = {"contents": (0,)}

    host_kernel = HostKernel(defers_each=True)

    def eager_each(self, contents):
        return decoded_each(self, contents)

    @property
    def as_jpeg(self):
        """Options for native decoding of a JPEG, as native/algorithms/pictures/resized.py takes them; None if it has none."""
        if self.channels not in (1, 3) or self.attrs.get("dtype", dtypes.uint8) != dtypes.uint8:
            return None
        return {"channels": self.channels, "method": FAST, "fancy": True}


class DecodePng(_Decode):
    """The pixels of a PNG or, eagerly, of any image file that is not an animation."""

    signature = "contents: string -> image: dtype"
    channels: int = 0
    dtype: {dtypes.uint16, dtypes.uint8} = dtypes.uint8

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        return still_pixels(self, _image(self, contents), self.channels, self.dtype)


_METHODS = {"": FAST, "INTEGER_FAST": FAST, "INTEGER_ACCURATE": ACCURATE}
_END_OF_JPEG = b"\xff\xd9"


def _jpeg(op, data, window=None):
    if kind_of(data) != "jpeg":
        return still_pixels(op, data, op.channels, dtypes.uint8)
    try:
        return jpeg_pixels(
            op, data, op.channels, op.ratio, op.fancy_upscaling, op.dct_method, window
        )
    except InvalidArgumentError:
        asks_for_parts = op.try_recover_truncated or op.acceptable_fraction < 1
        if not asks_for_parts or _END_OF_JPEG in data[-16:]:
            raise
        raise UnimplementedError(
            f"{type(op).__name__}: decoding a truncated file, as `try_recover_truncated` or "
            "`acceptable_fraction` asks, is not implemented."
        ) from None


class DecodeJpeg(_Decode):
    """The pixels of a JPEG, or of any image file that is not an animation."""

    signature = "contents: string -> image: uint8"
    channels: int = 0
    ratio: int = 1
    fancy_upscaling: bool = True
    try_recover_truncated: bool = False
    acceptable_fraction: float = 1.0
    dct_method: str = ""

    def shape(self, contents):
        return _static(self.channels)

    @property
    def as_jpeg(self):
        """See `_Decode.as_jpeg`."""
        if self.channels not in (1, 3) or self.ratio != 1 or self.dct_method not in _METHODS:
            return None
        method = _METHODS[self.dct_method]
        return {"channels": self.channels, "method": method, "fancy": self.fancy_upscaling}

    def eager(self, contents):
        return _jpeg(self, _image(self, contents))


class DecodeAndCropJpeg(Op):
    """A window [y, x, height, width] of the pixels of a JPEG."""

    signature = "contents: string, crop_window: int32 -> image: uint8"
    ranks = {"contents": (0,)}
    extents = {"crop_window": "4"}
    channels: int = 0
    ratio: int = 1
    fancy_upscaling: bool = True
    try_recover_truncated: bool = False
    acceptable_fraction: float = 1.0
    dct_method: str = ""

    def shape(self, contents, crop_window):
        return _static(self.channels)

    def eager(self, contents, crop_window):
        data = _image(self, contents)
        kind = kind_of(data)
        if kind != "jpeg":
            raise self.invalid(
                "DecodeAndCropJpeg operation can run on JPEG only, but detected "
                f"{str(kind or 'unknown format').upper()}."
            )
        y, x, height, width = (int(n) for n in crop_window)
        is_sound = y >= 0 and x >= 0 and height > 0 and width > 0
        pixels = _jpeg(self, data, (y, x, height, width) if is_sound else None)
        if not is_sound or pixels.shape[:2] != (height, width):
            rows, columns = _jpeg(self, data).shape[:2]
            raise self.invalid(
                f"Invalid JPEG data or crop window: {crop_window.tolist()} of an image of "
                f"{rows} rows and {columns} columns"
            )
        return np.array(pixels, np.uint8)


class DecodeBmp(Op):
    """The pixels of a BMP."""

    signature = "contents: string -> image: uint8"
    ranks = {"contents": (0,)}
    channels: int = 0

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        kind = kind_of(data)
        if kind == "webp":
            return webp_pixels(self, data, self.channels)
        if kind != "bmp":
            raise self.invalid(f"Trying to decode {str(kind).upper()} format using DecodeBmp op.")
        return bmp_pixels(self, data, self.channels)


class DecodeGif(Op):
    """The frames of a GIF."""

    signature = "contents: string -> image: uint8[?, ?, ?, 3]"
    ranks = {"contents": (0,)}

    def eager(self, contents):
        data = _image(self, contents)
        kind = kind_of(data)
        if kind in ("gif", "webp"):
            return pixels_of(self, data, 3, dtypes.uint8)
        return still_pixels(self, data, 3, dtypes.uint8)[None]


class DecodeImage(_Decode):
    """The pixels of a BMP, GIF, JPEG, PNG or WebP."""

    signature = "contents: string -> image: dtype"
    channels: int = 0
    dtype: {dtypes.float32, dtypes.uint16, dtypes.uint8} = dtypes.uint8
    expand_animations: bool = True

    def shape(self, contents):
        return None if self.expand_animations else _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        pixels = pixels_of(self, data, self.channels, self.dtype)
        if pixels.ndim == 4 and not self.expand_animations:
            return pixels[0]
        return pixels


class DecodeWebP(Op):
    """The pixels of a WebP, one for each frame."""

    signature = "contents: string -> image: dtype"
    ranks = {"contents": (0,)}
    channels: int = 0
    dtype: {dtypes.uint8} = dtypes.uint8

    def shape(self, contents):
        return [None, None, None, self.channels or None]

    def eager(self, contents):
        data = _image(self, contents)
        if kind_of(data) == "webp":
            return webp_pixels(self, data, self.channels)
        if kind_of(data) == "gif":
            raise self.invalid("Trying to decode GIF format using DecodeWebP op.")
        return still_pixels(self, data, self.channels, self.dtype)


class DecodeJxl(Op):
    """The pixels of a JPEG XL, or of any image file that is not an animation."""

    signature = "contents: string -> image: dtype"
    ranks = {"contents": (0,)}
    channels: int = 0
    dtype: {dtypes.uint8} = dtypes.uint8

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        if self.channels not in (0, 1, 3, 4):
            raise self.invalid(f"`channels` must be 0, 1, 3 or 4 but got {self.channels}")
        return still_pixels(self, data, self.channels, self.dtype)


class ExtractJpegShape(Op):
    """Height, width and channels of a JPEG."""

    signature = "contents: string -> image_shape: output_type[3]"
    ranks = {"contents": (0,)}
    output_type: INDEX = dtypes.int32

    def eager(self, contents):
        data = _image(self, contents)
        if kind_of(data) != "jpeg":
            raise self.invalid(f"Invalid JPEG data, size {len(data)}")
        return np.array(jpeg_shape(self, data), self.output_type.np)


def _encodable(op, image, allowed):
    if image.ndim < 3:
        raise op.invalid(f"image must be at least 3-dimensional. Received {show(image.shape)}")
    if image.shape[-1] not in allowed:
        raise op.invalid(f"image must have {allowed} channels. Received {show(image.shape)}")
    if 0 in image.shape[-3:]:
        raise op.invalid(f"image must have pixels. Received {show(image.shape)}")


class EncodePng(Op):
    """PNG files of images."""

    signature = "image: T -> contents: string"
    ranks = {"image": at_least(3)}
    compression: int = -1
    T: {dtypes.uint16, dtypes.uint8} = dtypes.uint8

    def shape(self, image):
        return image[:-3] if image.rank is not None else None

    def eager(self, image):
        _encodable(self, image, (1, 2, 3, 4))
        flat = image.reshape(-1, *image.shape[-3:])
        if not -1 <= self.compression <= 9:
            raise self.invalid(f"compression should be in [-1,9], got {self.compression}")
        files = [png_file(pixels, self.compression) for pixels in flat]
        return strings(files, image.shape[:-3])


# Where the density begins in a file's first segment, where the segment ends, and how metadata begins.
_JFIF_DENSITY, _JFIF_END = 13, 20
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


class EncodeJpeg(Op):
    """A JPEG file of an image."""

    signature = "image: uint8 -> contents: string[]"
    ranks = {"image": (3,)}
    format: Literal["", "grayscale", "rgb"] = ""
    quality: int = 95
    progressive: bool = False
    optimize_size: bool = False
    chroma_downsampling: bool = True
    density_unit: Literal["in", "cm"] = "in"
    x_density: int = 300
    y_density: int = 300
    xmp_metadata: str = ""

    def eager(self, image):
        if image.ndim != 3:
            raise self.invalid(f"image must be 3-dimensional{show(image.shape)}")
        if not 0 <= self.quality <= 100:
            raise self.invalid(f"quality must be in [0,100], got {self.quality}")
        allowed = {"": (1, 3), "grayscale": (1,), "rgb": (3,)}[self.format]
        _encodable(self, image, allowed)
        options = {
            "quality": self.quality,
            "progressive": self.progressive,
            "optimize": self.optimize_size,
            # Gray pictures have no chroma: Pillow would write its factors for the only component.
            "subsampling": 2 if self.chroma_downsampling and image.shape[2] == 3 else 0,
            "dpi": (300, 300),
        }
        return strings([self._headed(saved(self, image, "JPEG", **options))], ())

    def _headed(self, file):
        """The file with the density in its own unit, which Pillow does not write, and the metadata behind it."""
        unit = 2 if self.density_unit == "cm" else 1
        density = struct.pack(">BHH", unit, self.x_density & 0xFFFF, self.y_density & 0xFFFF)
        head, rest = (
            file[:_JFIF_DENSITY] + density + file[_JFIF_DENSITY + 5 : _JFIF_END],
            file[_JFIF_END:],
        )
        if not self.xmp_metadata:
            return head + rest
        metadata = _XMP + as_bytes(self.xmp_metadata)
        return head + b"\xff\xe1" + struct.pack(">H", len(metadata) + 2) + metadata + rest


class EncodeJpegVariableQuality(Op):
    """A JPEG file of an image at a given quality."""

    signature = "images: uint8, quality: int32 -> contents: string[]"
    ranks = {"images": (3,)}

    def eager(self, images, quality):
        if not 0 <= int(quality) <= 100:
            raise self.invalid(f"quality must be in [0,100], got {int(quality)}")
        _encodable(self, images, (1, 3))
        return strings([saved(self, images, "JPEG", quality=int(quality), dpi=(300, 300))], ())
