"""Datasets that read files: TextLineDataset, TFRecordDataset, FixedLengthRecordDataset."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.transforms import int64
from penstock._src.util.export import export

_BUFFER = 256 * 1024
STRING = TensorSpec([], dtypes.string)


def _names(filenames: Any) -> Any:
    """File names as a dataset or a string tensor.

    Raises:
      TypeError: they are not strings.
      ValueError: they have more than one dimension.
    """
    if isinstance(filenames, Dataset):
        if filenames.element_spec.dtype is not dtypes.string:
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements. Got a dataset of "
                f"`{filenames.element_spec.dtype!r}` elements."
            )
        if not filenames.element_spec.shape.is_compatible_with([]):
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements of shape [] (i.e. "
                f"scalars). Got a dataset of element shape {filenames.element_spec.shape!r}."
            )
        return filenames
    if not isinstance(filenames, (Tensor, np.ndarray)):
        many = isinstance(filenames, (list, tuple))
        filenames = list(map(_text, filenames)) if many else _text(filenames)
    tensor = convert_to_tensor(filenames, dtype_hint=dtypes.string)
    if tensor.dtype is not dtypes.string:
        raise TypeError(
            "The `filenames` argument must contain `tf.string` elements. Got "
            f"`{tensor.dtype!r}` elements."
        )
    return tensor


def _text(name: Any) -> Any:
    return os.fspath(name) if isinstance(name, os.PathLike) else name


def _read(
    filenames: Any, make: Callable[[Any], Any], width: Any, name: str | None
) -> tuple[Any, tuple[Any, ...]]:
    """The variant of a dataset that reads files in sequence, or `width` in parallel."""
    names = _names(filenames)
    if not isinstance(names, Dataset):
        if width is None:
            return make(names), ()
        names = Dataset.from_tensor_slices(raw.Reshape(tensor=names, shape=[-1]))

    def read(one: Any) -> Dataset:
        return derived("_Reader", make(one), STRING)

    if width is None:
        records = names.flat_map(read, name=name)
    else:
        records = names.interleave(read, cycle_length=width, num_parallel_calls=width, name=name)
    return records._variant_tensor, (names,)


class _Strings(Dataset):
    """Elements that are one string each."""

    _sources: tuple[Any, ...] = ()

    def _inputs(self) -> list[Any]:
        return list(self._sources)

    @property
    def element_spec(self) -> Any:
        """The type of the elements: a string."""
        return STRING


def _compression(kind: Any) -> Any:
    return "" if kind is None else kind


class _Parts(_Strings):
    """The parts of files that an op finds, in order."""

    _op = ""

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        def make(names: Any) -> Any:
            return getattr(raw, self._op)(
                filenames=names,
                compression_type=_compression(compression_type),
                buffer_size=int64(_BUFFER if buffer_size is None else buffer_size, "buffer_size"),
            )

        variant, self._sources = _read(filenames, make, num_parallel_reads, name)
        Dataset.__init__(self, variant)


@export("data.TextLineDataset", v1=[])
class TextLineDataset(_Parts):
    r"""The dataset of the lines of text files, without their ends.

    Args:
      filenames: a string or strings, or a dataset of them.
      compression_type: "" (the default), "GZIP" or "ZLIB".
      buffer_size: the number of bytes to read at once.
      num_parallel_reads: how many files are read at the same time; None for one after another.
      name: a name for the operation.

    >>> tf.io.write_file(folder + "/a.txt", "one\ntwo")
    >>> list(tf.data.TextLineDataset(folder + "/a.txt").as_numpy_iterator())
    [b'one', b'two']
    """

    _op = "TextLineDataset"


@export("data.TFRecordDataset", v1=[])
class TFRecordDataset(_Parts):
    """The dataset of the records of TFRecord files.

    Args:
      filenames: a string or strings, or a dataset of them.
      compression_type: "" (the default), "GZIP" or "ZLIB".
      buffer_size: the number of bytes to read at once.
      num_parallel_reads: how many files are read at the same time; None for one after another.
      name: a name for the operation.

    >>> with tf.io.TFRecordWriter("a.tfrecord") as writer:
    ...     writer.write(b"one")
    >>> list(tf.data.TFRecordDataset(["a.tfrecord"]).as_numpy_iterator())
    [b'one']
    """

    _op = "TFRecordDataset"


@export("data.FixedLengthRecordDataset", v1=[])
class FixedLengthRecordDataset(_Strings):
    """The records of files in which all have the same length.

    Args:
      filenames: a path, several of them, or a dataset of them.
      record_bytes: the length of a record.
      header_bytes, footer_bytes: how many bytes at the beginning and the end of each file are
        skipped.
      buffer_size: how many bytes are read at a time.
      compression_type: "", "ZLIB" or "GZIP"; None for "".
      num_parallel_reads: from how many files records are read at a time, in turns.
      name: of the operation.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        def make(names: Any) -> Any:
            return raw.FixedLengthRecordDatasetV2(
                filenames=names,
                header_bytes=int64(header_bytes or 0, "header_bytes"),
                record_bytes=int64(record_bytes, "record_bytes"),
                footer_bytes=int64(footer_bytes or 0, "footer_bytes"),
                buffer_size=int64(_BUFFER if buffer_size is None else buffer_size, "buffer_size"),
                compression_type=_compression(compression_type),
            )

        variant, self._sources = _read(filenames, make, num_parallel_reads, name)
        Dataset.__init__(self, variant)
