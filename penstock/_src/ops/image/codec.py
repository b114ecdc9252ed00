"""Files of images to pixels and back, through Pillow."""

import struct
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.ops.image.pillow import opened, saved
from penstock._src.ops.rules import invalid, show
from penstock._src.ops.strings.elements import strings

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def kind_of(data):
    """The format of a file by its first bytes."""
    for name, start in (
        ("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG\r\n\x1a\n"), ("gif", b"GIF8"), ("bmp", b"BM"),
    ):  # fmt: skip
        if data.startswith(start):
            return name
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _as_channels(image, channels):
    """The pixels with so many channels; 0 means as the file has them."""
    if channels == 0:
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        elif image.mode in ("1", "I", "F", "CMYK", "YCbCr", "I;16"):
            image = image.convert("RGB" if image.mode in ("CMYK", "YCbCr") else "L")
    else:
        image = image.convert(_MODES[channels])
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _image(op, contents):
    if contents.ndim:
        raise invalid(op, f"`contents` must be scalar but got shape{show(contents.shape)}")
    return contents.item()


def _decode(op, data, channels, dtype):
    image = opened(op, data)
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.uint16)[..., None]
        deep = np.repeat(deep, max(channels, 1), -1)
        return deep if dtype == np.uint16 else (deep >> 8).astype(np.uint8)
    pixels = _as_channels(image, channels)
    return pixels.astype(np.uint16) * 257 if dtype == np.uint16 else np.array(pixels, np.uint8)


def _static(channels):
    return [None, None, channels or None]


class DecodePng(Op):
    """The pixels of a PNG (or, in eager use, of any image file that is no animation)."""

    signature = "contents: string -> image: dtype"
    channels: int = 0
    dtype: DType = dtypes.uint8
    dtype_types = frozenset({dtypes.uint16, dtypes.uint8})
    differentiable = False

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        return _decode(self, _image(self, contents), self.channels, self.dtype.np)


class DecodeJpeg(Op):
    """The pixels of a JPEG (or of any image file that is no animation)."""

    signature = "contents: string -> image: uint8"
    channels: int = 0
    ratio: int = 1
    fancy_upscaling: bool = True
    try_recover_truncated: bool = False
    acceptable_fraction: float = 1.0
    dct_method: str = ""
    differentiable = False

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        image = opened(self, data)
        pixels = _as_channels(image, self.channels)
        if self.ratio != 1:
            height, width = (-(-n // self.ratio) for n in pixels.shape[:2])
            pixels = np.asarray(image.resize((width, height))).reshape(height, width, -1)
        return np.array(pixels, np.uint8)


class DecodeAndCropJpeg(Op):
    """A window [y, x, height, width] of the pixels of a JPEG."""

    signature = "contents: string, crop_window: int32 -> image: uint8"
    channels: int = 0
    ratio: int = 1
    fancy_upscaling: bool = True
    try_recover_truncated: bool = False
    acceptable_fraction: float = 1.0
    dct_method: str = ""
    differentiable = False

    def shape(self, contents, crop_window):
        return _static(self.channels)

    def eager(self, contents, crop_window):
        pixels = _as_channels(opened(self, _image(self, contents)), self.channels)
        y, x, height, width = (int(n) for n in crop_window)
        rows, columns = pixels.shape[:2]
        if y < 0 or x < 0 or height <= 0 or width <= 0 or y + height > rows or x + width > columns:
            raise invalid(self, f"Invalid crop window. Received {crop_window.tolist()}")
        return np.array(pixels[y : y + height, x : x + width], np.uint8)


class DecodeBmp(Op):
    """The pixels of a BMP."""

    signature = "contents: string -> image: uint8"
    channels: int = 0
    differentiable = False

    def shape(self, contents):
        return _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        if not data.startswith(b"BM"):
            raise invalid(self, "Trying to decode BMP format using a wrong op.")
        bits = int.from_bytes(data[28:30], "little")
        if self.channels and self.channels * 8 != bits:
            raise invalid(
                self,
                f"channels attribute {self.channels} does not match bits per pixel from file {bits // 8}",
            )
        if bits not in (8, 24, 32):
            raise invalid(self, f"Number of channels must be 1, 3 or 4, was {bits // 8}")
        return _bmp(self, data, bits // 8)


def _bmp(op, data, channels):
    """An uncompressed BMP: rows padded to four bytes, from the bottom unless the height is negative."""
    offset, width, height = struct.unpack("<iii", data[10:14] + data[18:26])
    stride = (width * channels + 3) // 4 * 4
    if len(data) < offset + stride * abs(height):
        raise invalid(op, "Incomplete bmp content")
    rows = np.frombuffer(data, np.uint8, stride * abs(height), offset).reshape(abs(height), stride)
    pixels = rows[:, : width * channels].reshape(abs(height), width, channels)
    pixels = pixels if height < 0 else pixels[::-1]
    order = [2, 1, 0, 3][:channels] if channels > 1 else [0]
    return np.ascontiguousarray(pixels[..., order])


class DecodeGif(Op):
    """The frames of a GIF."""

    signature = "contents: string -> image: uint8"
    differentiable = False

    def shape(self, contents):
        return [None, None, None, 3]

    def eager(self, contents):
        return _frames(opened(self, _image(self, contents)))


def _frames(image):
    frames = []
    for at in range(getattr(image, "n_frames", 1)):
        image.seek(at)
        frames.append(np.asarray(image.convert("RGB")))
    return np.stack(frames)


class DecodeImage(Op):
    """The pixels of a BMP, GIF, JPEG, PNG or WebP."""

    signature = "contents: string -> image: dtype"
    channels: int = 0
    dtype: DType = dtypes.uint8
    dtype_types = frozenset({dtypes.float32, dtypes.uint16, dtypes.uint8})
    expand_animations: bool = True
    differentiable = False

    def shape(self, contents):
        return None if self.expand_animations else _static(self.channels)

    def eager(self, contents):
        data = _image(self, contents)
        kind = kind_of(data)
        if kind is None:
            raise invalid(self, "Unknown image file format. One of JPEG, PNG, GIF, BMP required.")
        if kind == "gif":
            pixels = _frames(opened(self, data))
            pixels = pixels if self.expand_animations else pixels[0]
        elif kind == "bmp":
            pixels = _bmp(self, data, int.from_bytes(data[28:30], "little") // 8)
        else:
            wanted = (
                np.dtype(np.uint16) if self.dtype.np.itemsize > 1 and kind == "png" else np.uint8
            )
            pixels = _decode(self, data, self.channels, wanted)
        return _converted(pixels, self.dtype)


def _converted(pixels, dtype):
    if dtype.is_floating:
        return (pixels.astype(np.float64) / np.iinfo(pixels.dtype).max).astype(dtype.np)
    if dtype.np == np.uint16 and pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * 257
    return pixels


class DecodeWebP(Op):
    """The pixels of a WebP, one for each frame."""

    signature = "contents: string -> image: dtype"
    channels: int = 0
    dtype: DType = dtypes.uint8
    dtype_types = frozenset({dtypes.uint8})
    differentiable = False

    def eager(self, contents):
        pixels = _as_channels(opened(self, _image(self, contents)), self.channels or 4)
        return _converted(np.array(pixels)[None], self.dtype)


class ExtractJpegShape(Op):
    """Height, width and channels of a JPEG."""

    signature = "contents: string -> image_shape: output_type"
    output_type: DType = dtypes.int32
    output_type_types = INDEX
    differentiable = False

    def shape(self, contents):
        return [3]

    def eager(self, contents):
        image = opened(self, _image(self, contents))
        channels = len(image.getbands())
        return np.array([image.height, image.width, channels], self.output_type.np)


def _encodable(op, image, allowed):
    if image.ndim < 3:
        raise invalid(op, f"image must be at least 3-dimensional. Received {show(image.shape)}")
    if image.shape[-1] not in allowed:
        raise invalid(op, f"image must have {allowed} channels. Received {show(image.shape)}")


class EncodePng(Op):
    """PNG files of images."""

    signature = "image: T -> contents: string"
    compression: int = -1
    T: DType = dtypes.uint8
    T_types = frozenset({dtypes.uint16, dtypes.uint8})
    differentiable = False

    def shape(self, image):
        return image[:-3] if image.rank is not None else None

    def eager(self, image):
        _encodable(self, image, (1, 2, 3, 4))
        flat = image.reshape(-1, *image.shape[-3:])
        level = 6 if self.compression < 0 else self.compression
        files = [saved(self, pixels, "PNG", compress_level=level) for pixels in flat]
        return strings(files, image.shape[:-3])


class EncodeJpeg(Op):
    """A JPEG file of an image."""

    signature = "image: uint8 -> contents: string"
    format: Literal["", "grayscale", "rgb"] = ""
    quality: int = 95
    progressive: bool = False
    optimize_size: bool = False
    chroma_downsampling: bool = True
    density_unit: Literal["in", "cm"] = "in"
    x_density: int = 300
    y_density: int = 300
    xmp_metadata: str = ""
    differentiable = False

    def shape(self, image):
        return ()

    def eager(self, image):
        if image.ndim != 3:
            raise invalid(self, f"image must be 3-dimensional{show(image.shape)}")
        allowed = {"": (1, 3), "grayscale": (1,), "rgb": (3,)}[self.format]
        _encodable(self, image, allowed)
        options = {
            "quality": self.quality,
            "progressive": self.progressive,
            "optimize": self.optimize_size,
            "subsampling": 2 if self.chroma_downsampling else 0,
        }
        return strings([saved(self, image, "JPEG", **options)], ())


class EncodeJpegVariableQuality(Op):
    """A JPEG file of an image at a given quality."""

    signature = "images: uint8, quality: int32 -> contents: string"
    differentiable = False

    def shape(self, images, quality):
        return ()

    def eager(self, images, quality):
        if not 0 <= int(quality) <= 100:
            raise invalid(self, f"quality must be in [0,100], got {int(quality)}")
        _encodable(self, images, (1, 3))
        return strings([saved(self, images, "JPEG", quality=int(quality))], ())
