"""Decodes and encodes JPEG, PNG, BMP, GIF and WebP."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from .color import convert_image_dtype


@dispatchable("image.decode_image", "io.decode_image", scope="decode_image")
def decode_image(contents, channels=None, dtype=dtypes.uint8, name=None, expand_animations=True):
    """The image of a JPEG, PNG, BMP or GIF file's bytes.

    Args:
      contents: a string scalar.
      channels: 0 or None (as in the file), 1, 3 or 4.
      dtype: uint8, uint16, or a float type for numbers in [0, 1].
      name: a name for the operation.
      expand_animations: all frames of a GIF, `[n, h, w, c]`; else its first.
    """
    kind = dtypes.as_dtype(dtype)
    native = kind if kind in (dtypes.uint8, dtypes.uint16, dtypes.float32) else dtypes.uint16
    image = raw.DecodeImage(
        contents=contents,
        channels=0 if channels is None else channels,
        dtype=native,
        expand_animations=expand_animations,
        name=name,
    )
    return image if native == kind else convert_image_dtype(image, kind)


@dispatchable("image.is_jpeg", "io.is_jpeg")
def is_jpeg(contents, name=None):
    """Whether bytes begin as a JPEG file does."""
    head = raw.Substr(input=contents, pos=0, len=3)
    return raw.Equal(x=head, y=convert_to_tensor(b"\xff\xd8\xff"), name=name)


@dispatchable("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image, jpeg_quality, dct_method="", name=None):
    """The image after JPEG compression with this quality."""
    image = convert_to_tensor(image, name="image")
    channels = image.shape[-1]
    pixels = convert_image_dtype(image, dtypes.uint8, saturate=True)
    if not isinstance(jpeg_quality, Tensor):
        jpeg_quality = convert_to_tensor(np.int32(jpeg_quality))
    encoded = raw.EncodeJpegVariableQuality(images=pixels, quality=jpeg_quality)
    decoded = raw.DecodeJpeg(contents=encoded, channels=channels, dct_method=dct_method)
    return convert_image_dtype(decoded, image.dtype, saturate=True, name=name)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
image.decode_and_crop_jpeg io.decode_and_crop_jpeg = DecodeAndCropJpeg(contents, crop_window, channels=0, ratio=1, fancy_upscaling=True, try_recover_truncated=False, acceptable_fraction=1, dct_method="")
    The window (top, left, height, width) of a JPEG file's image.
image.decode_bmp io.decode_bmp = DecodeBmp(contents, channels=0)
    The uint8 image of a BMP file's bytes.
image.decode_gif io.decode_gif = DecodeGif(contents)
    The frames `[n, h, w, 3]` of a GIF file's bytes.
image.encode_jpeg io.encode_jpeg = EncodeJpeg(image, format="", quality=95, progressive=False, optimize_size=False, chroma_downsampling=True, density_unit="in", x_density=300, y_density=300, xmp_metadata="")
    The bytes of a JPEG file of a uint8 image.
image.decode_jpeg io.decode_jpeg = DecodeJpeg(contents, channels=0, ratio=1, fancy_upscaling=True, try_recover_truncated=False, acceptable_fraction=1, dct_method="")
    The uint8 image of a JPEG file's bytes.

    Args:
      contents: a string scalar.
      channels: 0 (as in the file), 1 or 3.
      ratio: 1, 2, 4 or 8: decode smaller.
      fancy_upscaling: smooth the color planes.
      try_recover_truncated: accept a file that ends early.
      acceptable_fraction: the fraction of lines that must be present.
      dct_method: "INTEGER_FAST", "INTEGER_ACCURATE" or "".
      name: a name for the operation.
image.decode_png io.decode_png = DecodePng(contents, channels=0, dtype=dtypes.uint8)
    The uint8 or uint16 image of a PNG file's bytes.
-image.decode_webp -io.decode_webp = DecodeWebP(contents, channels=0, dtype=dtypes.uint8)
    The frames of a WebP file's bytes.
image.extract_jpeg_shape io.extract_jpeg_shape = ExtractJpegShape(contents, output_type=dtypes.int32)
    Height, width and channels of a JPEG file's bytes.
image.encode_png io.encode_png = EncodePng(image: convert_to_tensor(image), compression=-1)
    The bytes of a PNG file of a uint8 or uint16 image.
""",
    plain="""
-image.decode_jxl -io.decode_jxl = DecodeJxl(contents, channels=0, dtype=dtypes.uint8)
    The image of a JPEG XL file's bytes.
""",
)
