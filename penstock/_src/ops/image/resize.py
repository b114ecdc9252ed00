"""Resizing of images: nearest, bilinear, bicubic, area, and any kernel of ScaleAndTranslate.

Except for nearest and bilinear, an output along an axis sums its taps (`taps.py`); the gradient sums the transposed ones.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, NARROW, SIGNED
from penstock._src.ops.image import taps
from penstock._src.ops.image.taps import bilinear_parts, nearest_indices
from penstock._src.ops.rules import check_elements, quiet, shape_of, show, value_of


def _size(op, images, size):
    """The requested height and width, checked."""
    if len(images.shape) != 4:
        raise op.invalid(f"input must be 4-dimensional {show(images.shape)}")
    if size.shape != (2,):
        raise op.invalid(f"shape_t must have two elements {show(size.shape)}")
    height, width = (int(n) for n in size)
    if height <= 0 or width <= 0:
        raise op.invalid("output dimensions must be positive")
    if 0 in images.shape[1:3]:
        raise op.invalid("input image must be of non-zero size")
    if not images.shape[3] and not isinstance(op, ResizeNearestNeighborGrad):
        raise op.invalid("image must have at least one channel")
    check_elements(op, images.shape[0], height, width, images.shape[3])
    return height, width


def _lowered_size(op, p, images, size):
    """The requested height and width, static while lowering, checked."""
    return _size(op, images, value_of(p, size, "size"))


def _shape(images, size):
    images = images.with_rank(4)
    hw = size.as_shape()
    if hw is None or hw.rank is None:
        hw = TensorShape([None, None])
    return TensorShape([images[0], hw[0], hw[1], images[3]])


class _Resize(Op):
    """Base of the ops with the size as an input."""

    signature = "images: T, size: int32 -> resized_images: float32"
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}

    vectorize = "examples, shared"

    def shape(self, images, size):
        return _shape(images, size)

    @quiet
    def eager(self, images, size):
        target = _size(self, images, size)
        if not images.size:
            return np.zeros((images.shape[0], *target, images.shape[3]), np.float32)
        rows, columns = _both_taps(self, images.shape, target)
        return taps.resampled(images.astype(np.float32), rows, columns)

    def lower(self, p, images, size):
        target = _lowered_size(self, p, images, size)
        rows, columns = _both_taps(self, images.shape, target)
        return taps.lower_resampled(p, images, rows, columns, dtypes.float32)


def _both_taps(op, shape, size):
    """The taps of rows and columns."""
    return op.taps(op, shape[1], size[0]), op.taps(op, shape[2], size[1])


def _transposed_taps(op, shape, size):
    """The taps of the gradient: of images of a shape by those resized to the size."""
    return [one.transposed(inputs) for one, inputs in zip(_both_taps(op, shape, size), shape[1:3])]


class _ResizeGrad(Op):
    """The gradient of a resize: the transposed taps."""

    differentiable = False
    align_corners: bool = False
    half_pixel_centers: bool = False

    def shape(self, grads, original_image):
        image = original_image.with_rank(4)
        return TensorShape([grads.with_rank(4)[0], image[1], image[2], grads[3]])

    def _check(self, grads, original_image):
        for name, array in (("input_grad", grads), ("original_image", original_image)):
            if len(array.shape) != 4:
                raise self.invalid(f"{name} must be 4-dimensional{show(array.shape)}")
        if 0 in original_image.shape[1:3]:
            raise self.invalid("original dimensions must be positive")
        if 0 in grads.shape[1:3]:
            raise self.invalid("resized dimensions must be positive")

    @quiet
    def eager(self, grads, original_image):
        self._check(grads, original_image)
        rows, columns = _transposed_taps(self, original_image.shape, grads.shape[1:3])
        wide = _wide(self.T).np
        return taps.resampled(grads.astype(wide), rows, columns).astype(original_image.dtype)

    def lower(self, p, grads, original_image):
        self._check(grads, original_image)
        rows, columns = _transposed_taps(self, original_image.shape, grads.shape[1:3])
        made = taps.lower_resampled(p, grads, rows, columns, _wide(self.T))
        return p.cast(made, original_image.dtype)


def _wide(dtype):
    """The type that sums of a type are computed in."""
    return dtypes.float32 if dtype in NARROW else dtype


class ResizeBilinear(_Resize):
    """Images resized by bilinear interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.bilinear_taps)

    def gradient(self, images, _size, _output, dy):
        image = images if images.dtype.is_floating else raw.Cast(x=images, DstT=dtypes.float32)
        by_images = raw.ResizeBilinearGrad(
            grads=dy,
            original_image=image,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None

    @quiet
    def eager(self, images, size):
        height, width = _size(self, images, size)
        if not images.size:
            return np.zeros((images.shape[0], height, width, images.shape[3]), np.float32)
        x = images.astype(np.float32)
        if x.shape[1:3] == (height, width):
            return x
        top, bottom, down = bilinear_parts(self, x.shape[1], height)
        left, right, along = bilinear_parts(self, x.shape[2], width)
        along, down = along[:, None], down[:, None, None]
        upper, lower = x[:, top], x[:, bottom]
        upper = upper[:, :, left] + (upper[:, :, right] - upper[:, :, left]) * along
        lower = lower[:, :, left] + (lower[:, :, right] - lower[:, :, left]) * along
        return upper + (lower - upper) * down

    def lower(self, p, images, size):
        height, width = _lowered_size(self, p, images, size)
        x = p.cast(images, dtypes.float32)
        if x.shape[1:3] == (height, width):
            return x
        for axis, outputs in ((2, width), (1, height)):
            first, second, part = bilinear_parts(self, x.shape[axis], outputs)
            shape = [1, 1, 1, 1]
            shape[axis] = outputs
            one = p.gather(x, p.constant(first.astype(np.int32)), axis)
            other = p.gather(x, p.constant(second.astype(np.int32)), axis)
            x = one + (other - one) * p.constant(part.reshape(shape))
        return x


class ResizeBilinearGrad(_ResizeGrad):
    """The gradient of ResizeBilinear."""

    signature = "grads: float32, original_image: T -> output: T"
    T = FLOAT
    taps = staticmethod(taps.bilinear_taps)


class ResizeBicubic(_Resize):
    """Images resized by bicubic interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.bicubic_taps)

    def gradient(self, images, _size, _output, dy):
        if images.dtype not in ResizeBicubicGrad.T:
            return None, None
        by_images = raw.ResizeBicubicGrad(
            grads=dy,
            original_image=images,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None


class ResizeBicubicGrad(_ResizeGrad):
    """The gradient of ResizeBicubic."""

    signature = "grads: float32, original_image: T -> output: T"
    differentiable = True
    T = frozenset({dtypes.float32, dtypes.float64})
    taps = staticmethod(taps.bicubic_taps)


class ResizeArea(_Resize):
    """Images resized so that each output averages the area that it covers."""

    align_corners: bool = False
    taps = staticmethod(taps.area_taps)


class ResizeNearestNeighbor(Op):
    """Images resized by copying the nearest pixel."""

    signature = "images: T, size: int32 -> resized_images: T"
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}
    align_corners: bool = False
    half_pixel_centers: bool = False
    vectorize = "examples, shared"

    def shape(self, images, size):
        return _shape(images, size)

    def gradient(self, images, _size, _output, dy):
        shape = [None] if images.shape.rank is None else images.shape.as_list()[1:3]
        if None in shape:
            size = raw.StridedSlice(input=shape_of(images), begin=[1], end=[3], strides=[1])
        else:
            size = np.array(shape, np.int32)
        by_images = raw.ResizeNearestNeighborGrad(
            grads=dy,
            size=size,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None

    @quiet
    def eager(self, images, size):
        height, width = _size(self, images, size)
        rows = nearest_indices(self, images.shape[1], height)
        columns = nearest_indices(self, images.shape[2], width)
        return images[:, rows][:, :, columns]

    def lower(self, p, images, size):
        height, width = _lowered_size(self, p, images, size)
        rows = nearest_indices(self, images.shape[1], height).astype(np.int32)
        columns = nearest_indices(self, images.shape[2], width).astype(np.int32)
        return p.gather(p.gather(images, p.constant(rows), 1), p.constant(columns), 2)


class ResizeNearestNeighborGrad(Op):
    """The gradient of ResizeNearestNeighbor: each pixel's sum over its copies."""

    signature = "grads: T, size: int32 -> output: T"
    T = FLOAT | {dtypes.int32, dtypes.int8, dtypes.uint8}
    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.nearest_taps)

    def shape(self, grads, size):
        return _shape(grads, size)

    @quiet
    def eager(self, grads, size):
        shape = (None, *_size(self, grads, size))
        rows, columns = _transposed_taps(self, shape, grads.shape[1:3])
        wide = _wide(self.T).np
        return taps.resampled(grads.astype(wide), rows, columns).astype(grads.dtype)

    def lower(self, p, grads, size):
        shape = (None, *_lowered_size(self, p, grads, size))
        rows, columns = _transposed_taps(self, shape, grads.shape[1:3])
        made = taps.lower_resampled(p, grads, rows, columns, _wide(self.T))
        return p.cast(made, grads.dtype)


def _samplings(op, scale, translation):
    """How rows and columns are sampled."""
    if op.kernel_type not in taps.KERNELS:
        raise op.invalid(f"Unrecognized kernel type: {op.kernel_type}")
    if scale.shape != (2,) or translation.shape != (2,):
        raise op.invalid(
            "scale and translation must have two elements. Received "
            f"{show(scale.shape)}, {show(translation.shape)}"
        )
    kernel = op.kernel_type, op.antialias
    return [taps.Sampling(*kernel, scale[i], translation[i]) for i in range(2)]


def _kernel_taps(op, inputs, outputs, scale, translation):
    samplings = _samplings(op, scale, translation)
    return [one.taps(*sizes) for one, *sizes in zip(samplings, inputs, outputs)]


def _kernel_gradient_taps(op, inputs, outputs, scale, translation):
    samplings = _samplings(op, scale, translation)
    return [one.gradient_taps(*sizes) for one, *sizes in zip(samplings, inputs, outputs)]


class ScaleAndTranslate(Op):
    """Images scaled and moved, sampled with a kernel."""

    signature = """images: T, size: int32, scale: float32, translation: float32
        -> resized_images: float32"""
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}
    kernel_type: str = "lanczos3"
    antialias: bool = True

    def shape(self, images, size, scale, translation):
        return _shape(images, size)

    def gradient(self, images, _size, scale, translation, _output, dy):
        image = images if images.dtype.is_floating else raw.Cast(x=images, DstT=dtypes.float32)
        by_images = raw.ScaleAndTranslateGrad(
            grads=dy,
            original_image=image,
            scale=scale,
            translation=translation,
            kernel_type=self.kernel_type,
            antialias=self.antialias,
        )
        return by_images, None, None, None

    @quiet
    def eager(self, images, size, scale, translation):
        target = _size(self, images, size)
        if (scale <= 0).any():
            raise self.invalid("Scale must be greater than zero.")
        rows, columns = _kernel_taps(self, images.shape[1:3], target, scale, translation)
        return taps.resampled(images.astype(np.float32), rows, columns)

    def lower(self, p, images, size, scale, translation):
        target = _lowered_size(self, p, images, size)
        scale = value_of(p, scale, "scale")
        translation = value_of(p, translation, "translation")
        rows, columns = _kernel_taps(self, images.shape[1:3], target, scale, translation)
        return taps.lower_resampled(p, images, rows, columns, dtypes.float32)


class ScaleAndTranslateGrad(Op):
    """The gradient of ScaleAndTranslate."""

    signature = """grads: T, original_image: T, scale: float32, translation: float32
        -> output: T[original_image]"""
    T = frozenset({dtypes.float32})
    kernel_type: str = "lanczos3"
    antialias: bool = True

    @quiet
    def eager(self, grads, original_image, scale, translation):
        sizes = original_image.shape[1:3], grads.shape[1:3]
        rows, columns = _kernel_gradient_taps(self, *sizes, scale, translation)
        return taps.resampled(grads, rows, columns)

    def lower(self, p, grads, original_image, scale, translation):
        scale = value_of(p, scale, "scale")
        translation = value_of(p, translation, "translation")
        sizes = original_image.shape[1:3], grads.shape[1:3]
        rows, columns = _kernel_gradient_taps(self, *sizes, scale, translation)
        return taps.lower_resampled(p, grads, rows, columns, grads.dtype)
