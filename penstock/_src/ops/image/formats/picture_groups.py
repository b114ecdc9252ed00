"""Pictures of a group of a dataset's elements: decoded when an op takes them, together with what it does to them.

JPEG files are read, decoded and interpolated for the whole group by one native call, which holds no lock of Python. What it cannot do, from other
formats to damaged files, is done for each picture by the ops' own kernels, which also raise the errors.
"""

import functools
from typing import Any

import numpy as np

from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.groups import Deferred, NotGrouped, Stacked
from penstock._src.native.algorithms import interpolation
from penstock._src.native.algorithms.pictures.resized import OPTIONS, pictures
from penstock._src.ops.image.formats.libraries import jpeg_functions
from penstock._src.ops.io.file import FileContents

_SCHEME = b"://"


class DecodedEach(Deferred):
    """The pictures in files, of an op that decodes one.

    Args:
      op: the op.
      contents: the files: a stack of bytes, or `FileContents`.
    """

    def __init__(self, op: Any, contents: Any) -> None:
        super().__init__(len(contents))
        self.op, self.contents = op, contents

    def computed(self, at: int) -> np.ndarray:
        files = self.contents
        return self.op.eager(files.array[at, ...] if type(files) is Stacked else files.element(at))

    @property
    def adds_examples(self) -> bool:
        """True if the views make a picture an array of one picture."""
        shape = (2, 3, self.op.channels)
        sample: Any = np.broadcast_to(np.uint8(0), shape)
        return functools.reduce(lambda value, view: view(value), self.views, sample).shape == (
            1,
            *shape,
        )

    def names(self) -> list[bytes] | None:
        """The names of the files, if they are on this machine and were not read."""
        files = self.contents
        if type(files) is not FileContents or files.views:
            return None
        names = files.names.tolist()
        joined = b"".join(names)
        return None if _SCHEME in joined or b"\0" in joined else names

    def files(self) -> list[bytes]:
        """The contents of the files."""
        return [each.item() for each in self.contents.elements()]


def decoded_each(op: Any, contents: Any) -> DecodedEach:
    """The pictures of a group of files.

    Raises:
      NotGrouped: elements have several files, or none.
    """
    is_one = type(contents) is Stacked and contents.array.ndim == 1
    if not is_one and not isinstance(contents, FileContents):
        raise NotGrouped
    return DecodedEach(op, contents)


def resized_each(op: Any, images: Deferred, size: np.ndarray) -> Stacked:
    """Pictures, each resized by the op's kernel.

    Raises:
      NotGrouped: animations among them give different shapes.
    """
    first = op.eager(images.element(0), size)
    stack = empty_aligned((len(images), *first.shape), first.dtype)
    _put(stack, 0, first)
    for at in range(1, len(images)):
        _put(stack, at, op.eager(images.element(at), size))
    return Stacked(stack)


def _put(stack: np.ndarray, at: int, value: np.ndarray) -> None:
    if value.shape != stack.shape[1:]:
        raise NotGrouped
    stack[at] = value


def interpolated_each(op: Any, images: Any, size: np.ndarray) -> Stacked | None:
    """Pictures from JPEG files in another size by bilinear interpolation; None if there is no native code for them.

    Args:
      op: says where pixels are: `align_corners`, `half_pixel_centers`.
      images: the pictures.
      size: height and width.
    """
    how = getattr(images.op, "as_jpeg", None) if isinstance(images, DecodedEach) else None
    functions = None if how is None else jpeg_functions()
    if functions is None or size.shape != (2,) or (size <= 0).any() or not images.adds_examples:
        return None
    names = images.names()
    sources = images.files() if names is None else [name + b"\0" for name in names]
    offsets = np.zeros(len(sources) + 1, np.int64)
    np.cumsum([len(each) for each in sources], out=offsets[1:])
    centers = interpolation.CENTERED if op.half_pixel_centers else interpolation.PLAIN
    if op.align_corners:
        centers = interpolation.ALIGNED
    height, width = size.tolist()
    options = how | {"centers": centers, "rows": height, "columns": width, "are_names": names is not None}  # fmt: skip
    stack = empty_aligned((len(sources), 1, height, width, how["channels"]), np.dtype(np.float32))
    codes = np.empty(len(sources), np.int64)
    settings = np.array([options[name] for name in OPTIONS], np.int64)
    resized = pictures().resized
    if resized(functions, b"".join(sources), offsets, len(sources), settings, stack, codes):
        for at in np.flatnonzero(codes).tolist():
            _put(stack, at, op.eager(images.element(at), size))
    return Stacked(stack)
