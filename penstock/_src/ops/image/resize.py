"""Resizing of images: nearest, bilinear, bicubic, area, and any kernel of ScaleAndTranslate.

Except for nearest and bilinear, an axis is resized by a weight matrix [outputs, inputs]; the gradient is its transpose.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, SIGNED
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


def _scale(inputs, outputs, align_corners):
    if align_corners and outputs > 1:
        return np.float32((inputs - 1) / np.float32(outputs - 1))
    return np.float32(inputs / np.float32(outputs))


def _positions(op, inputs, outputs):
    """The position of each output in input coordinates."""
    scale = _scale(inputs, outputs, op.align_corners)
    at = np.arange(outputs, dtype=np.float32)
    if op.half_pixel_centers:
        return (at + np.float32(0.5)) * scale - np.float32(0.5)
    return at * scale


def nearest_indices(op, inputs, outputs):
    """The input that each output copies."""
    scale = _scale(inputs, outputs, op.align_corners)
    at = np.arange(outputs, dtype=np.float32)
    at = (at + np.float32(0.5)) * scale if op.half_pixel_centers else at * scale
    # C's roundf: halves away from zero
    index = np.floor(at + np.float32(0.5)) if op.align_corners else np.floor(at)
    return np.clip(index.astype(np.int64), 0, inputs - 1)


def bilinear_parts(op, inputs, outputs):
    """For each output its two neighboring inputs, and the interpolation weight."""
    at = _positions(op, inputs, outputs)
    floor = np.floor(at)
    lower = np.maximum(floor, 0).astype(np.int64)
    upper = np.minimum(np.ceil(at), inputs - 1).astype(np.int64)
    return lower, upper, (at - floor).astype(np.float32)


def bilinear_weights(op, inputs, outputs):
    """The matrix of bilinear interpolation."""
    lower, upper, part = bilinear_parts(op, inputs, outputs)
    weights = np.zeros((outputs, inputs), np.float32)
    rows = np.arange(outputs)
    np.add.at(weights, (rows, lower), 1 - part)
    np.add.at(weights, (rows, upper), part)
    return weights


def bicubic_weights(op, inputs, outputs):
    """The matrix of bicubic interpolation (Keys 1981), its kernel tabulated in 1024 steps."""
    a = -0.5 if op.half_pixel_centers else -0.75
    x = np.arange(1025) / 1024.0
    near = (((a + 2) * x - (a + 3)) * x * x + 1).astype(np.float32)
    x = x + 1
    far = (((a * x - 5 * a) * x + 8 * a) * x - 4 * a).astype(np.float32)
    at = _positions(op, inputs, outputs)
    floor = np.floor(at)
    step = np.rint((at - floor) * 1024).astype(np.int64)
    taps = np.stack([far[step], near[step], near[1024 - step], far[1024 - step]], -1)
    index = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    bounded = np.clip(index, 0, inputs - 1)
    if op.half_pixel_centers:
        taps = np.where(index == bounded, taps, np.float32(0))
        total = taps.sum(-1, keepdims=True)
        taps = np.where(np.abs(total) > 1e-34, taps / total, taps)
    weights = np.zeros((outputs, inputs), np.float32)
    np.add.at(weights, (np.arange(outputs)[:, None], bounded), taps)
    return weights


def area_weights(op, inputs, outputs):
    """The matrix whose rows average the inputs that each output covers."""
    scale = _scale(inputs, outputs, op.align_corners)
    weights = np.zeros((outputs, inputs), np.float32)
    for row in range(outputs):
        begin, end = np.float32(row * scale), np.float32((row + 1) * scale)
        for index in range(int(np.floor(begin)), int(np.ceil(end))):
            covered = min(index + 1, end) - max(index, begin)
            weights[row, min(max(index, 0), inputs - 1)] += covered
    return weights / scale


def _by_matrices(x, rows, columns):
    """The images resized with a matrix for each axis."""
    across = np.einsum("nhwc,xw->nhxc", x, columns, optimize=True)
    return np.einsum("nhxc,yh->nyxc", across, rows, optimize=True)


def _lower_by_matrices(p, x, rows, columns, dtype):
    wide = p.cast(x, dtype)
    across = p.contract("nhwc,xw->nhxc", wide, p.constant(columns.astype(dtype.np), dtype))
    return p.contract("nhxc,yh->nyxc", across, p.constant(rows.astype(dtype.np), dtype))


class _Resize(Op):
    """Base of the ops with the size as an input."""

    signature = "images: T, size: int32 -> resized_images: float32"
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}

    vectorize = "examples, shared"

    def shape(self, images, size):
        return _shape(images, size)

    def _matrices(self, shape, size):
        return self.weights(self, shape[1], size[0]), self.weights(self, shape[2], size[1])

    @quiet
    def eager(self, images, size):
        target = _size(self, images, size)
        if not images.size:
            return np.zeros((images.shape[0], *target, images.shape[3]), np.float32)
        return _by_matrices(images.astype(np.float32), *self._matrices(images.shape, target))

    def lower(self, p, images, size):
        target = _lowered_size(self, p, images, size)
        rows, columns = self._matrices(images.shape, target)
        return _lower_by_matrices(p, images, rows, columns, dtypes.float32)


class _ResizeGrad(Op):
    """The gradient of a resize: the transposed matrices."""

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
        shape = original_image.shape
        kind = original_image.dtype if original_image.dtype == np.float64 else np.float32
        rows = self.weights(self, shape[1], grads.shape[1]).T.astype(kind)
        columns = self.weights(self, shape[2], grads.shape[2]).T.astype(kind)
        return _by_matrices(grads.astype(kind), rows, columns).astype(original_image.dtype)

    def lower(self, p, grads, original_image):
        self._check(grads, original_image)
        shape = original_image.shape
        rows = self.weights(self, shape[1], grads.shape[1]).T
        columns = self.weights(self, shape[2], grads.shape[2]).T
        return _lower_by_matrices(p, grads, rows, columns, original_image.dtype)


class ResizeBilinear(_Resize):
    """Images resized by bilinear interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    weights = staticmethod(bilinear_weights)

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
    weights = staticmethod(bilinear_weights)


class ResizeBicubic(_Resize):
    """Images resized by bicubic interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    weights = staticmethod(bicubic_weights)

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
    weights = staticmethod(bicubic_weights)


class ResizeArea(_Resize):
    """Images resized so that each output averages the area that it covers."""

    align_corners: bool = False
    weights = staticmethod(area_weights)


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
        shape = images.shape.as_list()[1:3]
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

    def shape(self, grads, size):
        return _shape(grads, size)

    @quiet
    def eager(self, grads, size):
        height, width = _size(self, grads, size)
        rows = nearest_indices(self, height, grads.shape[1])
        columns = nearest_indices(self, width, grads.shape[2])
        out = np.zeros((grads.shape[0], height, width, grads.shape[3]), grads.dtype)
        np.add.at(out, (slice(None), rows[:, None], columns), grads)
        return out

    def lower(self, p, grads, size):
        height, width = _lowered_size(self, p, grads, size)
        rows = nearest_indices(self, height, grads.shape[1])
        columns = nearest_indices(self, width, grads.shape[2])
        return _lower_by_matrices(
            p, grads, _one_hot(rows, height).T, _one_hot(columns, width).T, grads.dtype
        )


def _one_hot(indices, depth):
    return np.eye(depth, dtype=np.float32)[indices]


# -- resampling by kernels ------------------------------------------------------------------------------


def _lanczos(radius):
    def kernel(x):
        with np.errstate(all="ignore"):
            t = np.pi * x
            value = radius * np.sin(t) * np.sin(t / radius) / (t * t)
        return np.where(x > radius, 0.0, np.where(x <= 1e-3, 1.0, value))

    return radius, kernel


def _keys(x):
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


def _mitchell(x):
    far = (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    near = (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


KERNELS = {
    "lanczos1": _lanczos(1.0),
    "lanczos3": _lanczos(3.0),
    "lanczos5": _lanczos(5.0),
    "gaussian": (1.5, lambda x: np.where(x >= 1.5, 0.0, np.exp(-(x * x) / (2 * 0.5 * 0.5)))),
    "box": (1.0, lambda x: np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))),
    "triangle": (1.0, lambda x: np.maximum(1.0 - x, 0.0)),
    "keyscubic": (2.0, _keys),
    "mitchellcubic": (2.0, _mitchell),
}


def kernel_weights(op, inputs, outputs, scale, translation):
    """The matrix that samples the inputs with a kernel, at x / scale - translation / scale."""
    radius, kernel = KERNELS[op.kernel_type]
    inverse = np.float32(1) / np.float32(scale)
    offset = -inverse * np.float32(translation)
    width = max(inverse, np.float32(1)) if op.antialias else np.float32(1)
    sample = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * inverse + offset
    source = np.arange(inputs, dtype=np.float32) + np.float32(0.5)
    first = np.ceil(sample - np.float32(radius) * width - np.float32(0.5))
    last = np.floor(sample + np.float32(radius) * width - np.float32(0.5))
    first, last = np.clip(first, 0, inputs - 1), np.clip(last, 0, inputs - 1)
    at = np.arange(inputs)
    inside = (at >= first[:, None]) & (at <= last[:, None])
    weights = kernel(np.abs((source - sample[:, None]) / width).astype(np.float32))
    weights = np.where(inside, weights, 0.0).astype(np.float32)
    total = weights.sum(-1, keepdims=True)
    weights = np.where(np.abs(total) >= 1e-35, weights / np.where(total == 0, 1, total), weights)
    outside = (sample < 0) | (sample > inputs)
    return np.where(outside[:, None], np.float32(0), weights)


def _kernel_matrices(op, inputs, outputs, scale, translation):
    if op.kernel_type not in KERNELS:
        raise op.invalid(f"Unrecognized kernel type: {op.kernel_type}")
    if scale.shape != (2,) or translation.shape != (2,):
        raise op.invalid(
            "scale and translation must have two elements. Received "
            f"{show(scale.shape)}, {show(translation.shape)}"
        )
    return [kernel_weights(op, inputs[i], outputs[i], scale[i], translation[i]) for i in range(2)]


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
        rows, columns = _kernel_matrices(self, images.shape[1:3], target, scale, translation)
        return _by_matrices(images.astype(np.float32), rows, columns)

    def lower(self, p, images, size, scale, translation):
        target = _lowered_size(self, p, images, size)
        scale = value_of(p, scale, "scale")
        translation = value_of(p, translation, "translation")
        rows, columns = _kernel_matrices(self, images.shape[1:3], target, scale, translation)
        return _lower_by_matrices(p, images, rows, columns, dtypes.float32)


class ScaleAndTranslateGrad(Op):
    """The gradient of ScaleAndTranslate."""

    signature = """grads: T, original_image: T, scale: float32, translation: float32
        -> output: T[original_image]"""
    T = frozenset({dtypes.float32})
    kernel_type: str = "lanczos3"
    antialias: bool = True

    @quiet
    def eager(self, grads, original_image, scale, translation):
        inputs = original_image.shape[1:3]
        rows, columns = _kernel_matrices(self, inputs, grads.shape[1:3], scale, translation)
        return _by_matrices(grads, rows.T, columns.T).astype(grads.dtype)

    def lower(self, p, grads, original_image, scale, translation):
        scale = value_of(p, scale, "scale")
        translation = value_of(p, translation, "translation")
        inputs = original_image.shape[1:3]
        rows, columns = _kernel_matrices(self, inputs, grads.shape[1:3], scale, translation)
        return _lower_by_matrices(p, grads, rows.T, columns.T, grads.dtype)
