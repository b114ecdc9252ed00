"""Spans compared: which overlap, which are aligned; and lookups with a default."""

from typing import Any

from penstock._src.api.array.creation import ones
from penstock._src.api.array.indexing import gather, where
from penstock._src.api.array.joining import concat
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.math.reduction import reduce_max
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged
from penstock._src.util.export import export


@export("text.gather_with_default", v1=[])
def gather_with_default(
    params: Any, indices: Any, default: Any, name: str | None = None, axis: int = 0
) -> Any:
    """Returns slices of a tensor, and a default for the index -1.

    Args:
      params: a tensor.
      indices: of slices along an axis, or -1.
      default: the slice for -1.
      name: of the operation.
      axis: along which slices are taken.

    Returns:
      A tensor like that of `tf.gather`.

    >>> tf.text.gather_with_default([1, 2, 3], [2, -1], 9).numpy()
    array([3, 9], dtype=int32)
    """
    indices = convert_to_tensor(indices, name="indices", preferred_dtype=dtypes.int32)
    params = convert_to_tensor(params, name="params")
    default = convert_to_tensor(default, dtype=params.dtype, name="default")
    outer = raw.Shape(input=params)[:axis]
    shape = raw.ConcatV2(
        values=[outer, ones([1], dtypes.int32), raw.Shape(input=params)[axis:][1:]], axis=0
    )
    first = raw.BroadcastTo(input=default, shape=shape)
    return gather(concat([first, params], axis=axis), indices + 1, axis=axis, name=name)


def _compared(
    a: Any, b: Any, c: Any, d: Any, contains: bool, contained_by: bool, partial_overlap: bool
) -> Any:
    """True if the spans [a, b) and [c, d) overlap in the requested way."""

    def both(x: Any, y: Any) -> Any:
        return raw.LogicalAnd(x=x, y=y)

    def either(x: Any, y: Any) -> Any:
        return raw.LogicalOr(x=x, y=y)

    if partial_overlap:
        return either(both(a <= c, c < b), both(c <= a, a < d))
    outer, inner = both(a <= c, d <= b), both(c <= a, b <= d)
    if contains and contained_by:
        return either(outer, inner)
    if contains or contained_by:
        return outer if contains else inner
    return both(raw.Equal(x=a, y=c), raw.Equal(x=b, y=d))


@export("text.span_overlaps", v1=[])
def span_overlaps(
    source_start: Any,
    source_limit: Any,
    target_start: Any,
    target_limit: Any,
    contains: bool = False,
    contained_by: bool = False,
    partial_overlap: bool = False,
    name: str | None = None,
) -> Any:
    """Returns whether each source span overlaps each target span: whether both are equal, unless more is asked for.

    Args:
      source_start: where source spans begin, dense or ragged, with any outer dimensions.
      source_limit: where they end.
      target_start: where target spans begin, with the same outer dimensions.
      target_limit: where they end.
      contains: whether it counts that the source contains the target.
      contained_by: whether it counts that the target contains the source.
      partial_overlap: whether any overlap counts.
      name: is not used.

    Returns:
      Bools [..., source spans, target spans].

    Raises:
      TypeError: a flag is not a bool, or dtypes differ.
      ValueError: shapes do not fit, or some spans are ragged and some are not.

    >>> tf.text.span_overlaps([0, 5], [5, 9], [5], [9]).numpy()
    array([[False],
           [ True]])
    """
    for word, value in (
        ("contains", contains),
        ("contained_by", contained_by),
        ("partial_overlap", partial_overlap),
    ):
        if not isinstance(value, bool):
            raise TypeError(f"{word} must be bool, not {type(value).__name__}")
    names = {
        "source_start": source_start,
        "source_limit": source_limit,
        "target_start": target_start,
        "target_limit": target_limit,
    }
    spans = [dense_or_ragged(value, name=word) for word, value in names.items()]
    _check_spans(spans)
    flags = dict(contains=contains, contained_by=contained_by, partial_overlap=partial_overlap)
    if not isinstance(spans[0], RaggedTensor):
        sources = [raw.ExpandDims(input=value, axis=-1) for value in spans[:2]]
        targets = [raw.ExpandDims(input=value, axis=-2) for value in spans[2:]]
        return _compared(*sources, *targets, **flags)
    ranks = {value.shape.rank for value in spans} - {None}
    if not ranks:
        raise ValueError(
            "For ragged inputs, the shape.ndims of at least one span tensor must be statically known."
        )
    if ranks == {2}:
        return _ragged_overlaps(spans, flags)
    splits = spans[0].row_splits
    checks = [
        assert_equal(
            value.row_splits, splits, message="Mismatched ragged shapes for batch dimensions"
        )
        for value in spans[1:]
    ]
    with control_dependencies([check for check in checks if check is not None]):
        return RaggedTensor.from_row_splits(
            span_overlaps(*(value.values for value in spans), **flags), splits
        )


def _check_spans(spans: list[Any]) -> None:
    """Raises TypeError or ValueError unless starts and limits of spans fit each other: sources, then targets."""
    spans[0].shape.assert_is_compatible_with(spans[1].shape)
    spans[2].shape.assert_is_compatible_with(spans[3].shape)
    for source in spans[:2]:
        for target in spans[2:]:
            source.shape.assert_same_rank(target.shape)
    if len({value.dtype for value in spans}) > 1:
        raise TypeError(
            "source_start, source_limit, target_start, and target_limit must all have the same dtype"
        )
    if len({isinstance(value, RaggedTensor) for value in spans}) > 1:
        raise ValueError("Span tensors must all have the same ragged_rank")


def _ragged_overlaps(spans: list[Any], flags: dict[str, bool]) -> Any:
    """The same for ragged matrices: each row's sources with its targets."""
    sources, targets = spans[0], spans[2]
    rows = sources.value_rowids()
    lengths = gather(targets.row_lengths(), rows)
    # Each source span has a row of the targets of its own row.
    inner = RaggedTensor.from_row_lengths(
        _range(raw.Sum(input=lengths, axis=[0])), lengths, validate=False
    )
    own = inner.value_rowids()
    begins = gather(targets.row_starts(), gather(rows, own))
    places = inner.values - gather(inner.row_starts(), own) + begins
    pairs = [gather(value.values, own) for value in spans[:2]] + [
        gather(value.values, places) for value in spans[2:]
    ]
    return sources.with_values(inner.with_values(_compared(*pairs, **flags)))


def _range(count: Any) -> Any:
    return raw.Range(start=count * 0, limit=count, delta=count * 0 + 1)


@export("text.span_alignment", v1=[])
def span_alignment(
    source_start: Any,
    source_limit: Any,
    target_start: Any,
    target_limit: Any,
    contains: bool = False,
    contained_by: bool = False,
    partial_overlap: bool = False,
    multivalent_result: bool = False,
    name: str | None = None,
) -> Any:
    """Returns the target span for each source span.

    Args:
      source_start: where source spans begin, dense or ragged, with any outer dimensions.
      source_limit: where they end.
      target_start: where target spans begin, with the same outer dimensions.
      target_limit: where they end.
      contains: whether it counts that the source contains the target.
      contained_by: whether it counts that the target contains the source.
      partial_overlap: whether any overlap counts.
      multivalent_result: whether all target spans are returned, rather than the last.
      name: is not used.

    Returns:
      int64 numbers of target spans: of the last one, -1 if there is none; or of all, in one more dimension, ragged.

    Raises:
      TypeError: a flag is not a bool, or dtypes differ.
      ValueError: shapes do not fit, or some spans are ragged and some are not.

    >>> tf.text.span_alignment([0, 5, 9], [5, 9, 12], [5], [9]).numpy()
    array([-1,  0, -1])
    """
    overlaps = span_overlaps(
        source_start,
        source_limit,
        target_start,
        target_limit,
        contains,
        contained_by,
        partial_overlap,
    )
    aligned = _aligned(overlaps)
    if multivalent_result:
        return aligned
    last = reduce_max(aligned, axis=-1)
    if isinstance(last, RaggedTensor):
        return last.with_flat_values(
            raw.Maximum(x=last.flat_values, y=convert_to_tensor(-1, dtypes.int64))
        )
    return raw.Maximum(x=last, y=convert_to_tensor(-1, dtypes.int64))


def _aligned(overlaps: Any) -> Any:
    """The indices of True in each row."""
    rank = overlaps.shape.rank
    if rank > 2:
        if not isinstance(overlaps, RaggedTensor):
            overlaps = RaggedTensor.from_tensor(overlaps, ragged_rank=rank - 2)
        return overlaps.with_values(_aligned(overlaps.values))
    if isinstance(overlaps, RaggedTensor):
        rows = overlaps.value_rowids()
        (chosen,) = (raw.Reshape(tensor=where(overlaps.values), shape=[-1]),)
        own = gather(rows, chosen)
        places = chosen - gather(overlaps.row_starts(), own)
        return RaggedTensor.from_value_rowids(places, own, nrows=overlaps.nrows(), validate=False)
    places = where(overlaps)
    count = raw.Shape(input=overlaps, out_type=dtypes.int64)[0]
    return RaggedTensor.from_value_rowids(places[:, 1], places[:, 0], nrows=count, validate=False)
