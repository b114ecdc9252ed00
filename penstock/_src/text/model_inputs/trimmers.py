"""Segments shortened so that together they are no longer than a bound."""

import abc
from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.joining import stack, unstack
from penstock._src.api.array.ranges import one_hot
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.ragged.indexing import boolean_mask
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.text.inputs import dense_or_ragged, ragged_rows, text_op
from penstock._src.text.model_inputs.selectors import FirstNItemSelector
from penstock._src.util.export import export


@export("text.Trimmer", v1=[])
class Trimmer(metaclass=abc.ABCMeta):
    """The base of classes that shorten segments: they have `generate_mask`."""

    def trim(self, segments: Sequence[Any]) -> list[Any]:
        """Shortens segments.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          The segments without what is too much.
        """
        segments = [dense_or_ragged(segment) for segment in segments]
        masks = self.generate_mask(segments)
        return [
            boolean_mask(segment, mask.with_row_splits_dtype(segment.row_splits.dtype))
            for segment, mask in zip(segments, masks, strict=True)
        ]

    @abc.abstractmethod
    def generate_mask(self, segments: Sequence[Any]) -> list[Any]:
        """Returns masks of the items of segments to keep.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          A ragged tensor of bools for each segment.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError()


def _lengths(segments: Sequence[Any], axis: int) -> Any:
    """The number of items of each segment along an axis, in the last dimension."""
    return cast(stack([_row_lengths(segment, axis) for segment in segments], axis=-1), dtypes.int32)


def _row_lengths(segment: Any, axis: int) -> Any:
    axis = axis % segment.shape.rank - 1
    lengths = segment.nested_row_lengths()
    sums = RaggedTensor.from_nested_row_lengths(lengths[axis], lengths[:axis])
    for _ in range(axis):
        sums = reduce_sum(sums, -1)
    return sums


def _first(segments: Sequence[Any], counts: Any, axis: int) -> list[Any]:
    """Masks of the first items of segments, of each as many as `counts` says in its last dimension."""
    each = unstack(counts, num=len(segments), axis=-1)
    return [
        FirstNItemSelector(count).get_selectable(segment, axis)
        for segment, count in zip(segments, each, strict=True)
    ]


@export("text.WaterfallTrimmer", v1=[])
class WaterfallTrimmer(Trimmer):
    """Fills up a bound with segments in their order: excess items of the last ones are cut off.

    Args:
      max_seq_length: the bound; a number, or one for each row.
      axis: along which items are counted.

    >>> segments = [tf.ragged.constant([[1, 2, 3]]), tf.ragged.constant([[4, 5]])]
    >>> [s.to_list() for s in tf.text.WaterfallTrimmer(4).trim(segments)]
    [[[1, 2, 3]], [[4]]]
    """

    def __init__(self, max_seq_length: Any, axis: int = -1) -> None:
        self._max_seq_length = max_seq_length
        self._axis = axis

    def generate_mask(self, segments: Sequence[Any]) -> list[Any]:
        """Returns masks of the items of segments to keep.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          A ragged tensor of bools for each segment.
        """
        lengths = _lengths(segments, self._axis)
        most = cast(convert_to_tensor(self._max_seq_length), dtypes.int32)
        for _ in range(segments[0].shape.rank - most.shape.rank):
            most = raw.ExpandDims(input=most, axis=-1)
        left = most - raw.Cumsum(x=lengths, axis=-1)
        return _first(segments, raw.Maximum(x=lengths + raw.Minimum(x=left, y=0), y=0), self._axis)


def _shared_out(lengths: Any, most: Any) -> Any:
    """The number of items of each segment if they give one in turn, until `most` are there."""
    # For each number of rounds: the items of all segments by then; the last round is not finished.
    longest = raw.Max(input=lengths, axis=[0, 1])
    rounds = raw.Range(start=longest * 0, limit=longest + 1, delta=longest * 0 + 1)
    taken = raw.Minimum(x=raw.ExpandDims(input=lengths, axis=-1), y=rounds)
    is_within = raw.LessEqual(
        x=raw.Sum(input=taken, axis=[1]), y=raw.Reshape(tensor=most, shape=[-1, 1])
    )
    whole = raw.Sum(input=cast(is_within, dtypes.int32), axis=[1], keep_dims=True) - 1
    shares = raw.Minimum(x=lengths, y=whole)
    has_more = cast(raw.Greater(x=lengths, y=whole), dtypes.int32)
    left = raw.Reshape(tensor=most, shape=[-1, 1]) - raw.Sum(input=shares, axis=[1], keep_dims=True)
    takes = raw.LessEqual(x=raw.Cumsum(x=has_more, axis=1), y=left)
    return shares + has_more * cast(takes, dtypes.int32)


@export("text.RoundRobinTrimmer", v1=[])
class RoundRobinTrimmer(Trimmer):
    """Lets segments give one item in turn until a bound is reached.

    Args:
      max_seq_length: the bound, a number.
      axis: along which items are counted.

    >>> segments = [tf.ragged.constant([[1, 2, 3]]), tf.ragged.constant([[4, 5]])]
    >>> [s.to_list() for s in tf.text.RoundRobinTrimmer(3).trim(segments)]
    [[[1, 2]], [[4]]]
    """

    def __init__(self, max_seq_length: Any, axis: int = -1) -> None:
        if isinstance(max_seq_length, Tensor) and max_seq_length.shape.rank:
            max_seq_length = raw.Reshape(tensor=max_seq_length, shape=[])
        self._max_seq_length = max_seq_length
        self._axis = axis

    def _are_plain(self, segments: Sequence[Any]) -> bool:
        """True if items are the values of rows, which an op divides."""
        return segments[0].shape.rank == 2 and self._axis in (-1, 1)

    def generate_mask(self, segments: Sequence[Any]) -> list[Any]:
        """Returns masks of the items of segments to keep.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          A ragged tensor of bools for each segment.
        """
        segments = [dense_or_ragged(segment) for segment in segments]
        if not self._are_plain(segments):
            most = cast(convert_to_tensor(self._max_seq_length), dtypes.int32)
            return _first(segments, _shared_out(_lengths(segments, self._axis), most), self._axis)
        splits = [segment.row_splits for segment in segments]
        masks = text_op("RoundRobinGenerateMasks")(
            max_sequence_length=cast(self._max_seq_length, dtypes.int32),
            input_values=[segment.values for segment in segments],
            input_row_splits=splits,
        )
        return [ragged_rows(mask, own) for mask, own in zip(masks, splits, strict=True)]

    def trim(self, segments: Sequence[Any]) -> list[Any]:
        """Shortens segments.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          The segments without what is too much.
        """
        segments = [dense_or_ragged(segment) for segment in segments]
        if not self._are_plain(segments):
            return super().trim(segments)
        values, splits = text_op("RoundRobinTrim")(
            max_sequence_length=cast(self._max_seq_length, dtypes.int32),
            input_values=[segment.values for segment in segments],
            input_row_splits=[segment.row_splits for segment in segments],
        )
        return [ragged_rows(*parts) for parts in zip(values, splits, strict=True)]


@export("text.ShrinkLongestTrimmer", v1=[])
class ShrinkLongestTrimmer(Trimmer):
    """Takes items off the longest segment until a bound is reached.

    Args:
      max_seq_length: the bound; a number, or one for each row.
      axis: along which items are counted.

    >>> segments = [tf.ragged.constant([[1, 2, 3]]), tf.ragged.constant([[4]])]
    >>> [s.to_list() for s in tf.text.ShrinkLongestTrimmer(3).trim(segments)]
    [[[1, 2]], [[4]]]
    """

    def __init__(self, max_seq_length: Any, axis: int = -1) -> None:
        self._max_seq_length = max_seq_length
        self._axis = axis

    def generate_mask(self, segments: Sequence[Any]) -> list[Any]:
        """Returns masks of the items of segments to keep.

        Args:
          segments: ragged tensors with a row for each example.

        Returns:
          A ragged tensor of bools for each segment.
        """
        lengths = _lengths(segments, self._axis)
        most = cast(convert_to_tensor(self._max_seq_length), dtypes.int32)

        def is_too_long(lengths: Any) -> Any:
            return raw.Greater(x=raw.Sum(input=lengths, axis=[-1]), y=most)

        def shorten(lengths: Any) -> Any:
            longest = one_hot(
                raw.ArgMax(input=lengths, dimension=-1), depth=len(segments), dtype=dtypes.int32
            )
            return (
                lengths
                - raw.ExpandDims(input=cast(is_too_long(lengths), dtypes.int32), axis=-1) * longest,
            )

        (lengths,) = while_loop(
            lambda lengths: raw.Any(input=is_too_long(lengths), axis=[0]), shorten, (lengths,)
        )
        return _first(segments, lengths, self._axis)
