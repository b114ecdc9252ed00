"""Segments joined to one row, and the number of the segment of each token."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.creation import ones_like
from penstock._src.api.array.joining import concat
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


def _checked(segments: Sequence[Any]) -> Any:
    """The dtype of segments.

    Raises:
      ValueError: there are none, or they are not int32 or int64.
    """
    if not len(segments):
        raise ValueError("`segments` must be a nonempty list.")
    kind = segments[0].dtype
    if kind not in (dtypes.int32, dtypes.int64):
        raise ValueError("`segments` must have elements with dtype of int32 or int64")
    return kind


@export("text.combine_segments", v1=[])
def combine_segments(
    segments: Sequence[Any], start_of_sequence_id: Any, end_of_segment_id: Any
) -> tuple[Any, Any]:
    """Returns segments joined to rows, with numbers for their begin and ends, and the number of the segment of each token.

    Args:
      segments: ragged tensors of int32 or int64 numbers of tokens, with a row for each example.
      start_of_sequence_id: the number that begins each row.
      end_of_segment_id: the number that ends each segment.

    Returns:
      The rows, and rows of the numbers of segments, both ragged.

    Raises:
      ValueError: there are no segments, or they are not int32 or int64.

    >>> ids, segment_ids = tf.text.combine_segments([tf.ragged.constant([[5, 6]]), tf.ragged.constant([[7]])], 1, 2)
    >>> ids.to_list(), segment_ids.to_list()
    ([[1, 5, 6, 2, 7, 2]], [[0, 0, 0, 0, 1, 1]])
    """
    kind = _checked(segments)
    rows = segments[0].nrows()
    shape = raw.ConcatV2(
        values=[
            raw.Reshape(tensor=rows, shape=[1]),
            convert_to_tensor([1] * segments[0].ragged_rank, rows.dtype),
        ],
        axis=0,
    )
    start, end = (
        raw.Fill(dims=shape, value=convert_to_tensor(n, dtype=kind))
        for n in (start_of_sequence_id, end_of_segment_id)
    )
    parts, ids = [start], [start * 0]
    for number, segment in enumerate(segments):
        parts += [segment, end]
        ids += [ones_like(segment) * number, ones_like(end) * number]
    return concat(parts, 1), concat(ids, 1)


@export("text.concatenate_segments", v1=[])
def concatenate_segments(segments: Sequence[Any]) -> tuple[Any, Any]:
    """Returns segments joined to rows, and the number of the segment of each token.

    Args:
      segments: ragged tensors of int32 or int64 numbers of tokens, with a row for each example.

    Returns:
      The rows, and rows of the numbers of segments, both ragged.

    Raises:
      ValueError: there are no segments, or they are not int32 or int64.

    >>> tf.text.concatenate_segments([tf.ragged.constant([[5, 6]]), tf.ragged.constant([[7]])])[0].to_list()
    [[5, 6, 7]]
    """
    _checked(segments)
    return concat(list(segments), 1), concat(
        [ones_like(segment) * number for number, segment in enumerate(segments)], 1
    )
