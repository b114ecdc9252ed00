"""Spans as tags of tokens, and back."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.text.inputs import dense_or_ragged, known_rank, ragged_rows, text_op
from penstock._src.util.export import export


def _alike(values: Sequence[Any]) -> list[Any]:
    """Values as tensors, or as ragged tensors, all of one kind.

    Raises:
      ValueError: some are ragged and some are not.
    """
    converted = [dense_or_ragged(value) for value in values]
    for value in converted[:-1]:
        if isinstance(value, RaggedTensor) != isinstance(converted[-1], RaggedTensor):
            raise ValueError(
                f"Input tensors must be of the same type: {type(value)} vs {type(converted[-1])}."
            )
    known_rank(converted[0])
    return [
        value if value.dtype == dtypes.string else cast(value, dtypes.int32) for value in converted
    ]


def _in_rows(values: Sequence[Any], run: Callable[..., Any], message: str) -> Any:
    """Applies `run` for ragged tensors to dense ones, too."""
    if not isinstance(values[0], RaggedTensor):
        rank = values[0].shape.rank
        if rank > 1:
            return _in_rows(
                [RaggedTensor.from_tensor(v, ragged_rank=v.shape.rank - 1) for v in values],
                run,
                message,
            )
        results = _in_rows(
            [value[None] if rank else value[None, None] for value in values], run, message
        )
        return tuple(part.merge_dims(0, 1) if rank else part[0][0] for part in results)
    try:
        return run(*values)
    except (InvalidArgumentError, FailedPreconditionError) as error:
        raise ValueError(message) from error


def _splits(values: Sequence[Any]) -> list[Any]:
    return [cast(value.nested_row_splits[-1], dtypes.int64) for value in values]


@export("text.offsets_to_boise_tags", v1=[])
def offsets_to_boise_tags(
    token_begin_offsets: Any,
    token_end_offsets: Any,
    span_begin_offsets: Any,
    span_end_offsets: Any,
    span_type: Any,
    use_strict_boundary_mode: bool = False,
) -> Any:
    """Returns a tag for each token: O outside of all spans; S-, B-, I- or E- and the type for the whole of a span, its begin, its inside, or its end.

    Args:
      token_begin_offsets: the bytes at which tokens begin, dense or ragged.
      token_end_offsets: the bytes at which they end.
      span_begin_offsets: the bytes at which spans begin.
      span_end_offsets: the bytes at which they end.
      span_type: strings.
      use_strict_boundary_mode: whether tokens that are only partly within a span are outside.

    Returns:
      Strings of the shape of the tokens.

    Raises:
      ValueError: shapes do not fit, or some arguments are ragged and some are not.

    >>> tf.text.offsets_to_boise_tags([0, 4, 8], [3, 7, 11], [4], [11], ["animal"]).numpy()
    array([b'O', b'B-animal', b'E-animal'], dtype=object)
    """
    values = _alike(
        [token_begin_offsets, token_end_offsets, span_begin_offsets, span_end_offsets, span_type]
    )

    def run(*rows: Any) -> Any:
        names = ("token_begin", "token_end", "span_begin", "span_end", "span_type")
        flat = [row.flat_values for row in rows]
        tags = text_op("OffsetsToBoiseTags")(
            input_token_begin_offsets=flat[0],
            input_token_end_offsets=flat[1],
            input_span_begin_offsets=flat[2],
            input_span_end_offsets=flat[3],
            input_span_type=flat[4],
            **{
                f"input_{name}_row_splits": own
                for name, own in zip(names, _splits(rows), strict=True)
            },
            input_use_strict_boundary_mode=use_strict_boundary_mode,
        )
        return (rows[1].with_flat_values(tags),)

    return _in_rows(values, run, "Input token and span tensor shape don't match.")[0]


@export("text.boise_tags_to_offsets", v1=[])
def boise_tags_to_offsets(token_begin_offsets: Any, token_end_offsets: Any, boise_tags: Any) -> Any:
    """Returns the spans that tags of tokens say.

    Args:
      token_begin_offsets: the bytes at which tokens begin, dense or ragged.
      token_end_offsets: the bytes at which they end.
      boise_tags: strings as `offsets_to_boise_tags` gives them.

    Returns:
      The bytes at which spans begin, the bytes at which they end, and their types, all ragged; vectors for vectors.

    Raises:
      ValueError: shapes do not fit, or some arguments are ragged and some are not.

    >>> tf.text.boise_tags_to_offsets([0, 4, 8], [3, 7, 11], ["O", "B-animal", "E-animal"])[0].numpy()
    array([4], dtype=int32)
    """
    values = _alike([token_begin_offsets, token_end_offsets, boise_tags])

    def run(*rows: Any) -> Any:
        begins, ends, kinds, splits = text_op("BoiseTagsToOffsets")(
            input_token_begin_offsets=rows[0].flat_values,
            input_token_end_offsets=rows[1].flat_values,
            input_boise_tags=rows[2].flat_values,
            **{
                f"input_{name}_row_splits": own
                for name, own in zip(
                    ("token_begin", "token_end", "boise_tags"), _splits(rows), strict=True
                )
            },
        )
        return tuple(ragged_rows(part, splits) for part in (begins, ends, kinds))

    return _in_rows(values, run, "Input token and BOISE tags tensor shape don't match.")
