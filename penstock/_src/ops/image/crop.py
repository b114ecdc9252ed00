"""Parts of images: boxes cropped and resized, patches, and projective transformations."""

from math import prod
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, SLOWEST, HostKernel
from penstock._src.core.errors import OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX, SIGNED
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.image import lowered_crops, projection
from penstock._src.ops.rules import check_elements, dims_of, quiet, show


class CropAndResize(Op):
    """Boxes of normalized corners cut out of images and resized."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    signature = "image: T, boxes: float32, box_ind: int32, crop_size: int32 -> crops: float32"
    extents = {"boxes": "n, 4", "box_ind": "n", "crop_size": "2"}
    T = SIGNED | {dtypes.float16, dtypes.float32, dtypes.float64, dtypes.uint16, dtypes.uint8}
    method: Literal["bilinear", "nearest"] = "bilinear"
    extrapolation_value: float = 0.0

    def shape(self, image, boxes, box_ind, crop_size):
        image, size = image.with_rank(4), crop_size.as_shape()
        hw = size.as_list() if size is not None and size.rank is not None else [None, None]
        count = TensorShape([boxes.with_rank(2)[0]]).merge_with(box_ind.with_rank(1))
        return [count[0], *hw, image[3]]

    def gradient(self, image, boxes, box_ind, _crop_size, _crops, dy):
        by_image = None
        if image.dtype.is_floating:
            by_image = raw.CropAndResizeGradImage(
                grads=dy,
                boxes=boxes,
                box_ind=box_ind,
                image_size=raw.Shape(input=image),
                T=image.dtype,
                method=self.method,
            )
        by_boxes = raw.CropAndResizeGradBoxes(grads=dy, image=image, boxes=boxes, box_ind=box_ind)
        return by_image, by_boxes, None, None

    @quiet
    def eager(self, image, boxes, box_ind, crop_size):
        height, width = _crop_size(self, image, boxes, box_ind, crop_size)
        x = image.astype(np.float32)
        out = np.full(
            (boxes.shape[0], height, width, x.shape[3]), self.extrapolation_value, np.float32
        )
        for at, (box, index) in enumerate(zip(boxes, box_ind, strict=True)):
            rows, columns = _grid(box, x.shape[1:3], (height, width))
            out[at][np.ix_(rows.inside, columns.inside)] = _sampled(
                x[index], rows, columns, self.method
            )
        return out

    def lower(self, p, image, boxes, box_ind, crop_size):
        height, width = dims_of(p, crop_size, "crop_size")
        check_elements(self, boxes.shape[0], height, width, image.shape[3])
        _require_lowerable(image, boxes, box_ind, height * width)
        _check_boxes(p, self, boxes, box_ind, image.shape[0])
        p.check(p.reduce_all(p.is_finite(boxes)), "CropAndResize: Boxes are not finite")
        fill = self.extrapolation_value
        return lowered_crops.cropped(p, image, boxes, box_ind, (height, width), self.method, fill)


def _require_lowerable(image, boxes, box_ind, count):
    """Raises NotLowerable for what the host refuses, and where there is nothing to compute."""
    is_empty = image.rank != 4 or not image.size or not boxes.size or count <= 0
    if is_empty or boxes.rank != 2 or boxes.shape[1] != 4 or box_ind.shape != boxes.shape[:1]:
        raise NotLowerable("empty crops, or arguments whose shapes do not match")


def _check_boxes(p, op, boxes, box_ind, batch):
    inside = p.and_(p.ge(box_ind, 0), p.lt(box_ind, batch))
    p.check(p.reduce_all(inside), f"{op.op_type}: box_index has values outside [0, {batch})")


class _Axis:
    """The sample positions of a box along one axis."""

    def __init__(self, begin, end, extent, count):
        begin, end = np.float32(begin), np.float32(end)
        if count > 1:
            scale = (end - begin) * np.float32(extent - 1) / np.float32(count - 1)
            at = begin * np.float32(extent - 1) + np.arange(count, dtype=np.float32) * scale
        else:
            at = np.full(
                count, np.float32(0.5) * (begin + end) * np.float32(extent - 1), np.float32
            )
        self.inside = (at >= 0) & (at <= extent - 1)
        self.at = at[self.inside]
        self.low = np.floor(self.at).astype(np.int64)
        self.high = np.ceil(self.at).astype(np.int64)
        self.part = self.at - self.low
        # C's roundf: halves away from zero, and no sample is negative
        self.nearest = np.floor(self.at + np.float32(0.5)).astype(np.int64)


def _grid(box, extents, counts):
    y1, x1, y2, x2 = box
    return _Axis(y1, y2, extents[0], counts[0]), _Axis(x1, x2, extents[1], counts[1])


def _sampled(x, rows, columns, method):
    if method == "nearest":
        return x[np.ix_(rows.nearest, columns.nearest)]
    along = columns.part[:, None]
    top = (
        x[rows.low][:, columns.low]
        + (x[rows.low][:, columns.high] - x[rows.low][:, columns.low]) * along
    )
    bottom = (
        x[rows.high][:, columns.low]
        + (x[rows.high][:, columns.high] - x[rows.high][:, columns.low]) * along
    )
    return top + (bottom - top) * rows.part[:, None, None]


def _crop_size(op, image, boxes, box_ind, crop_size):
    if image.ndim != 4:
        raise op.invalid("input image must be 4-D")
    if crop_size.shape != (2,):
        raise op.invalid("crop_size must have two elements")
    _require_pixels(op, "image", image.shape)
    height, width = (int(n) for n in crop_size)
    if height <= 0 or width <= 0:
        raise op.invalid("crop dimensions must be positive")
    check_elements(op, boxes.shape[0], height, width, image.shape[3])
    _require_boxes(op, boxes, box_ind, image.shape[0])
    if not np.isfinite(boxes).all():
        raise op.invalid("Boxes contains at least one element that is not finite")
    return height, width


def _require_pixels(op, name, shape):
    if 0 in shape[1:3]:
        raise op.invalid(f"{name} dimensions must be positive. Received {show(shape)}")


def _require_boxes(op, boxes, box_ind, batch):
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise op.invalid(f"boxes must have 4 columns. Received {show(boxes.shape)}")
    if box_ind.ndim != 1:
        raise op.invalid(f"box_index must be rank 1 but is shape {show(box_ind.shape)}")
    if box_ind.shape != boxes.shape[:1]:
        raise op.invalid("box_index has incompatible shape")
    if ((box_ind < 0) | (box_ind >= batch)).any():
        raise OutOfRangeError(f"CropAndResize: box_index has values outside [0, {batch})")


class CropAndResizeGradImage(Op):
    """The gradient of CropAndResize with respect to the images."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    signature = """grads: float32, boxes: float32, box_ind: int32, image_size: int32
        -> output: T[*image_size]"""
    T: {dtypes.float16, dtypes.float32, dtypes.float64}
    method: Literal["bilinear", "nearest"] = "bilinear"

    @quiet
    def eager(self, grads, boxes, box_ind, image_size):
        out = np.zeros([int(n) for n in image_size], np.float32)
        _require_pixels(self, "grads", grads.shape)
        _require_pixels(self, "image", out.shape)
        _require_boxes(self, boxes, box_ind, out.shape[0])
        for grad, box, index in zip(grads, boxes, box_ind, strict=True):
            rows, columns = _grid(box, out.shape[1:3], grads.shape[1:3])
            part = grad[np.ix_(rows.inside, columns.inside)]
            if self.method == "nearest":
                np.add.at(out[index], np.ix_(rows.nearest, columns.nearest), part)
                continue
            for y, down in ((rows.low, 1 - rows.part), (rows.high, rows.part)):
                for x, along in ((columns.low, 1 - columns.part), (columns.high, columns.part)):
                    weight = down[:, None, None] * along[:, None]
                    np.add.at(out[index], np.ix_(y, x), part * weight)
        return out.astype(self.T.as_numpy_dtype)

    def lower(self, p, grads, boxes, box_ind, image_size):
        size = tuple(dims_of(p, image_size, "image_size"))
        _require_lowerable(grads, boxes, box_ind, prod(size))
        if len(size) != 4 or size[3] != grads.shape[3]:
            raise NotLowerable("sizes of images that do not fit")
        _check_boxes(p, self, boxes, box_ind, size[0])
        gradient = lowered_crops.image_gradient(p, grads, boxes, box_ind, size, self.method)
        return p.cast(gradient, self.T)


class CropAndResizeGradBoxes(Op):
    """The gradient of CropAndResize with respect to the boxes."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    signature = "grads: float32, image: T, boxes: float32, box_ind: int32 -> output: float32[boxes]"
    T = SIGNED | {dtypes.float16, dtypes.float32, dtypes.float64, dtypes.uint16, dtypes.uint8}
    method: Literal["bilinear"] = "bilinear"

    @quiet
    def eager(self, grads, image, boxes, box_ind):
        _require_pixels(self, "grads", grads.shape)
        _require_pixels(self, "image", image.shape)
        _require_boxes(self, boxes, box_ind, image.shape[0])
        x = image.astype(np.float32)
        out = np.zeros(boxes.shape, np.float32)
        height, width = grads.shape[1:3]
        for at, (grad, box, index) in enumerate(zip(grads, boxes, box_ind, strict=True)):
            rows, columns = _grid(box, x.shape[1:3], (height, width))
            corner = lambda y, c: x[index][y][:, c]  # noqa: B023, E731
            top_left, top_right = corner(rows.low, columns.low), corner(rows.low, columns.high)
            low_left, low_right = corner(rows.high, columns.low), corner(rows.high, columns.high)
            along, down = columns.part[:, None], rows.part[:, None, None]
            part = grad[np.ix_(rows.inside, columns.inside)]
            dy = ((1 - along) * (low_left - top_left) + along * (low_right - top_right)) * part
            dx = ((1 - down) * (top_right - top_left) + down * (low_right - low_left)) * part
            by_row, by_column = dy.sum((1, 2)), dx.sum((0, 2))
            out[at, 0], out[at, 2] = _by_ends(by_row, rows, x.shape[1], height)
            out[at, 1], out[at, 3] = _by_ends(by_column, columns, x.shape[2], width)
        return out

    def lower(self, p, grads, image, boxes, box_ind):
        _require_lowerable(image, boxes, box_ind, grads.size)
        if grads.rank != 4 or (grads.shape[0], grads.shape[3]) != (boxes.shape[0], image.shape[3]):
            raise NotLowerable("gradients that do not fit")
        _check_boxes(p, self, boxes, box_ind, image.shape[0])
        return lowered_crops.box_gradient(p, grads, image, boxes, box_ind)


def _by_ends(gradient, axis, extent, count):
    """The gradient with respect to the ends of a box, from that with respect to its sample positions."""
    if count == 1:
        half = (gradient * 0.5 * (extent - 1)).sum()
        return half, half
    place = np.flatnonzero(axis.inside)
    end = place * (extent - 1) / (count - 1)
    return (gradient * (extent - 1 - end)).sum(), (gradient * end).sum()


class _Projective(Op):
    """Base of the versions of ImageProjectiveTransform."""

    extents = {"output_shape": "2"}
    host_kernel = HostKernel(compiles_from=SLOWEST)

    dtype = FLOAT | INDEX | {dtypes.uint8}
    interpolation: str
    fill_mode: str = "CONSTANT"

    def result_shape(self, images, output_shape):
        images, size = images.with_rank(4), output_shape.as_shape()
        hw = size.as_list() if size is not None and size.rank is not None else [None, None]
        return [images[0], *hw, images[3]]

    def transformed(self, images, transforms, output_shape, fill):
        height, width = self.checked(images, transforms, map(int, output_shape))
        count = transforms.shape[0]
        out = np.empty((images.shape[0], height, width, images.shape[3]), images.dtype)
        for at, image in enumerate(images):
            x, y, valid = _source(transforms[at if count > 1 else 0], height, width)
            out[at] = self._read(image, x, y, valid, fill)
        return out

    def checked(self, images, transforms, size):
        """Returns the requested height and width.

        Raises:
          InvalidArgumentError: a shape is invalid.
        """
        if len(images.shape) != 4:
            raise self.invalid(f"images must have rank 4. Received {show(images.shape)}")
        count = transforms.shape[0] if len(transforms.shape) == 2 else -1
        if count not in (1, images.shape[0]) or transforms.shape[1] != 8:
            raise self.invalid(
                "Input transform should be num_images x 8 or 1 x 8. Received "
                f"{show(transforms.shape)}"
            )
        height, width = size
        if height <= 0 or width <= 0:
            raise self.invalid("new dimensions must be positive")
        check_elements(self, images.shape[0], height, width, images.shape[3])
        return height, width

    def projected(self, p, images, transforms, output_shape, fill):
        size = list(self.checked(images, transforms, dims_of(p, output_shape, "output_shape")))
        modes = self.interpolation, self.fill_mode
        return projection.transformed(p, images, transforms, size, fill, *modes)

    def _read(self, image, x, y, valid, fill):
        rows, columns = image.shape[:2]
        if not rows or not columns:
            return np.full((*x.shape, image.shape[2]), fill).astype(image.dtype)
        x, inside_x = _mapped(x, columns, self.fill_mode)
        y, inside_y = _mapped(y, rows, self.fill_mode)
        fill = np.asarray(fill).astype(np.float32)
        wide = image.astype(np.float32) if image.dtype != np.float64 else image

        def at(row, column):
            inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
            row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
            return np.where(inside[..., None], wide[row, column], fill)

        if self.interpolation == "NEAREST":
            pixels = at(_round(y).astype(np.int64), _round(x).astype(np.int64))
        else:
            y0, x0 = np.floor(y), np.floor(x)
            down, along = (y - y0)[..., None], (x - x0)[..., None]
            r, c = y0.astype(np.int64), x0.astype(np.int64)
            top = (1 - along) * at(r, c) + along * at(r, c + 1)
            bottom = (1 - along) * at(r + 1, c) + along * at(r + 1, c + 1)
            pixels = (1 - down) * top + down * bottom
        pixels = np.where((valid & inside_x & inside_y)[..., None], pixels, fill)
        return pixels.astype(image.dtype)


def _round(x):
    """C's std::round: halves away from zero."""
    return np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x)


def _source(transform, height, width):
    """The source coordinates of each output pixel."""
    t = transform.astype(np.float32)
    y, x = np.meshgrid(
        np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij"
    )
    depth = t[6] * x + t[7] * y + np.float32(1)
    valid = depth != 0
    depth = np.where(valid, depth, np.float32(1))
    return (t[0] * x + t[1] * y + t[2]) / depth, (t[3] * x + t[4] * y + t[5]) / depth, valid


def _mapped(at, extent, mode):
    """Coordinates mapped into the image by the fill mode."""
    always = np.ones(at.shape, bool)
    size = np.float32(extent)
    if mode == "CONSTANT":
        return at, always
    if mode == "WRAP":
        if extent <= 1:
            return at * np.float32(0), always  # a NaN stays one
        steps = size - 1
        low = at + size * (np.floor(-at / steps) + 1)
        high = at - size * np.floor(at / steps)
        mapped = np.where(at < 0, low, np.where(at > size - 1, high, at))
        return np.clip(mapped, 0, size - 1).astype(np.float32), always
    if mode == "REFLECT":
        if extent <= 1:
            return at * np.float32(0), always  # a NaN stays one
        period = 2 * size
        low = np.where(at < -period, period * np.floor(-at / period) + at, at)
        low = np.where(low < -size, low + period, -low - 1)
        high = at - period * np.floor(at / period)
        high = np.where(high >= size, period - high - 1, high)
        mapped = np.where(at < 0, low, np.where(at > size - 1, high, at))
        return np.clip(mapped, 0, size - 1).astype(np.float32), always
    return np.clip(at, 0, size - 1), always  # NEAREST; TensorFlow takes other words for it, too


class ImageProjectiveTransformV2(_Projective):
    """Images under projective maps from output to input pixels."""

    signature = """images: dtype, transforms: float32, output_shape: int32
        -> transformed_images: dtype"""

    def shape(self, images, transforms, output_shape):
        return self.result_shape(images, output_shape)

    def gradient(self, images, transforms, _output_shape, _transformed, dy):
        inverse = _inverted(transforms)
        by_images = raw.ImageProjectiveTransformV2(
            images=dy,
            transforms=inverse,
            output_shape=_size_of(images),
            interpolation=self.interpolation,
            fill_mode=self.fill_mode,
        )
        return by_images, None, None

    @quiet
    def eager(self, images, transforms, output_shape):
        return self.transformed(images, transforms, output_shape, 0)

    def lower(self, p, images, transforms, output_shape):
        fill = p.constant(0, dtypes.float32)
        return self.projected(p, images, transforms, output_shape, fill)


class ImageProjectiveTransformV3(_Projective):
    """Images under projective maps from output to input pixels, with a fill value."""

    signature = """images: dtype, transforms: float32, output_shape: int32, fill_value: float32
        -> transformed_images: dtype"""

    def shape(self, images, transforms, output_shape, fill_value):
        return self.result_shape(images, output_shape)

    def gradient(self, images, transforms, _output_shape, _fill_value, _transformed, dy):
        inverse = _inverted(transforms)
        by_images = raw.ImageProjectiveTransformV3(
            images=dy,
            transforms=inverse,
            output_shape=_size_of(images),
            fill_value=np.float32(0),
            interpolation=self.interpolation,
            fill_mode=self.fill_mode,
        )
        return by_images, None, None, None

    @quiet
    def eager(self, images, transforms, output_shape, fill_value):
        return self.transformed(images, transforms, output_shape, fill_value)

    def lower(self, p, images, transforms, output_shape, fill_value):
        return self.projected(p, images, transforms, output_shape, fill_value)


def _size_of(images):
    return raw.StridedSlice(input=raw.Shape(input=images), begin=[1], end=[3], strides=[1])


def _inverted(transforms):
    """The inverse transforms."""
    ones = raw.OnesLike(
        x=raw.StridedSlice(
            input=transforms, begin=[0, 0], end=[0, 1], strides=[1, 1], begin_mask=1, end_mask=1
        )
    )
    flat = raw.ConcatV2(values=[transforms, ones], axis=1)
    inverse = raw.MatrixInverse(input=raw.Reshape(tensor=flat, shape=[-1, 3, 3]))
    flat = raw.Reshape(tensor=inverse, shape=[-1, 9])
    last = raw.StridedSlice(
        input=flat, begin=[0, 8], end=[0, 9], strides=[1, 1], begin_mask=1, end_mask=1
    )
    first = raw.StridedSlice(
        input=flat, begin=[0, 0], end=[0, 8], strides=[1, 1], begin_mask=1, end_mask=1
    )
    return first / last
