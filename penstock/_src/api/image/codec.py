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
    """Returns the image of the bytes of a JPEG, PNG, BMP or GIF file.

    While a function is traced the rank of the result is not known, as a GIF file gives frames:
    set it with `set_shape`, or with `expand_animations=False`.

    Args:
      contents: a string scalar: the bytes of the file.
      channels: 0 or None (as in the file), 1, 3 or 4.
      dtype: uint8, uint16, or a float dtype for numbers from 0 to 1.
      name: a name for the operation.
      expand_animations: whether a GIF file gives all its frames, `[frames, height, width, 3]`, or
        the first.

    Returns:
      A tensor `[height, width, channels]` of `dtype`, or frames.

    Raises:
      InvalidArgumentError: the bytes are not such a file, or `channels` does not suit it.

    >>> file = tf.io.encode_png(tf.zeros([4, 6, 3], tf.uint8))
    >>> tf.image.decode_image(file, dtype=tf.float32).shape
    TensorShape([4, 6, 3])
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
    """True if the bytes begin as a JPEG file does.

    Args:
      contents: a string tensor of any shape.
      name: of the operation.

    Returns:
      A bool tensor of this shape.
    """
    head = raw.Substr(input=contents, pos=0, len=3)
    return raw.Equal(x=head, y=convert_to_tensor(b"\xff\xd8\xff"), name=name)


@dispatchable("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image, jpeg_quality, dct_method="", name=None):
    """The image after JPEG compression with this quality.

    Args:
      image: `[height, width, channels]` with 1 or 3 channels, of an integer dtype, or floats in
        [0, 1].
      jpeg_quality: an int32 scalar in [0, 100].
      dct_method: "INTEGER_FAST", "INTEGER_ACCURATE" or "": the default.
      name: of the operation.

    Returns:
      An image of the same shape and dtype.
    """
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

    Args:
      contents: a string scalar, the bytes of the file.
      crop_window: int32 `[4]`: top, left, height and width, in pixels.
      channels: 1 (gray), 3 (RGB) or 0: as the file has.
      ratio: 1, 2, 4 or 8: by how much the image is made smaller.
      fancy_upscaling: whether chroma planes are interpolated smoothly.
      try_recover_truncated, acceptable_fraction: ask for parts of a file that is cut off, which is
        not implemented.
      dct_method: "INTEGER_FAST", "INTEGER_ACCURATE" or "": the default.
      name: of the operation.

    Returns:
      A uint8 tensor `[height, width, channels]`.
image.decode_bmp io.decode_bmp = DecodeBmp(contents, channels=0)
    The uint8 image of a BMP file's bytes.

    Args:
      contents: a string scalar.
      channels: 3 or 4; 0 for those of the file, where a gray image has 1.
      name: of the operation.

    Returns:
      A uint8 tensor `[height, width, channels]`.
image.decode_gif io.decode_gif = DecodeGif(contents)
    The frames `[n, h, w, 3]` of a GIF file's bytes.

    Args:
      contents: a string scalar.
      name: of the operation.

    Returns:
      A uint8 tensor `[frames, height, width, 3]`.
image.encode_jpeg io.encode_jpeg = EncodeJpeg(image, format="", quality=95, progressive=False, optimize_size=False, chroma_downsampling=True, density_unit="in", x_density=300, y_density=300, xmp_metadata="")
    Returns the bytes of a JPEG file of an image.

    Args:
      image: uint8, `[height, width, channels]` with 1 or 3 channels.
      format: "grayscale", "rgb", or "" to go by the channels.
      quality: from 0 to 100.
      progressive: whether the file can be shown before it is complete.
      optimize_size: whether a smaller file is worth more time.
      chroma_downsampling: whether colors are stored with half the resolution.
      density_unit: "in" or "cm", of the densities.
      x_density: pixels per unit from left to right.
      y_density: pixels per unit from top to bottom.
      xmp_metadata: XMP metadata that go into the file.
      name: a name for the operation.

    Returns:
      A string scalar.

    Raises:
      InvalidArgumentError: the image has another shape, or an argument is out of range.

    >>> tf.image.is_jpeg(tf.io.encode_jpeg(tf.zeros([2, 2, 3], tf.uint8))).numpy()
    np.True_
image.decode_jpeg io.decode_jpeg = DecodeJpeg(contents, channels=0, ratio=1, fancy_upscaling=True, try_recover_truncated=False, acceptable_fraction=1, dct_method="")
    Returns the image of the bytes of a JPEG file.

    PNG, GIF and BMP files are read as well.

    Args:
      contents: a string scalar: the bytes of the file.
      channels: 0 (as in the file), 1 (gray) or 3 (RGB).
      ratio: 1, 2, 4 or 8: by how much the image is made smaller while it is decoded.
      fancy_upscaling: whether color planes are smoothed where they have less resolution.
      try_recover_truncated, acceptable_fraction: ask for parts of a file that is cut off, which is not implemented.
      dct_method: "INTEGER_FAST", "INTEGER_ACCURATE" or "" (the system's choice).
      name: a name for the operation.

    Returns:
      A uint8 tensor `[height, width, channels]`.

    Raises:
      InvalidArgumentError: the bytes are not a file of this format, or an argument is out of range.

    >>> file = tf.io.encode_jpeg(tf.zeros([4, 6, 3], tf.uint8))
    >>> tf.image.decode_jpeg(file).shape
    TensorShape([4, 6, 3])
image.decode_png io.decode_png = DecodePng(contents, channels=0, dtype=dtypes.uint8)
    Returns the image of the bytes of a PNG file.

    Args:
      contents: a string scalar: the bytes of the file.
      channels: 0 (as in the file), 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGB and alpha).
      dtype: uint8 or uint16.
      name: a name for the operation.

    Returns:
      A tensor `[height, width, channels]` of `dtype`.

    Raises:
      InvalidArgumentError: the bytes are not a file of this format.

    >>> file = tf.io.encode_png(tf.constant([[[0], [255]]], tf.uint8))
    >>> tf.image.decode_png(file).numpy().tolist()
    [[[0], [255]]]
-image.decode_webp -io.decode_webp = DecodeWebP(contents, channels=0, dtype=dtypes.uint8)
    The frames of a WebP file's bytes.

    Args:
      contents: a string scalar.
      channels: 3, 4 or 0: as the file has.
      dtype: uint8.
      name: of the operation.

    Returns:
      A uint8 tensor `[frames, height, width, channels]`.
image.extract_jpeg_shape io.extract_jpeg_shape = ExtractJpegShape(contents, output_type=dtypes.int32)
    Height, width and channels of a JPEG file's bytes.

    Args:
      contents: a string scalar.
      output_type: int32 or int64.
      name: of the operation.

    Returns:
      A vector `[3]` of this dtype.
image.encode_png io.encode_png = EncodePng(image: convert_to_tensor(image), compression=-1)
    Returns the bytes of a PNG file of an image.

    Args:
      image: uint8 or uint16, `[height, width, channels]` with 1 to 4 channels.
      compression: from 0 (none) to 9 (most); -1 for the default.
      name: a name for the operation.

    Returns:
      A string scalar.

    Raises:
      InvalidArgumentError: the image has another shape, or is empty.

    >>> tf.io.encode_png(tf.zeros([2, 2, 1], tf.uint8)).numpy()[1:4]
    b'PNG'
-image.decode_jxl -io.decode_jxl = DecodeJxl(contents, channels=0, dtype=dtypes.uint8)
    The image of a JPEG XL file's bytes.

    Args:
      contents: a string scalar.
      channels: 1, 3, 4 or 0: as the file has.
      dtype: uint8.
      name: of the operation.

    Returns:
      A uint8 tensor `[height, width, channels]`.
""",
)
