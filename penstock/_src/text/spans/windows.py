"""Windows that slide along an axis, and n-grams."""

import enum
from typing import Any

from penstock._src.api.array.joining import stack
from penstock._src.api.math.reduction import reduce_mean, reduce_sum
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.text.inputs import dense_or_ragged, text_op
from penstock._src.util.export import export


@export("text.Reduction", v1=[])
class Reduction(enum.Enum):
    """The n-gram of each window."""

    SUM = 1
    MEAN = 2
    STRING_JOIN = 3


@export("text.sliding_window", v1=[])
def sliding_window(data: Any, width: int, axis: int = -1, name: str | None = None) -> Any:
    """Returns the windows of a width along an axis.

    Args:
      data: a tensor or ragged tensor.
      width: of a window.
      axis: along which it slides.
      name: of the operation.

    Returns:
      A tensor or ragged tensor with one more dimension, of the windows' items, behind the axis.

    Raises:
      TypeError: `axis` or `width` is not an int.
      InvalidArgumentError: there is no such axis, or the width is not positive.

    >>> tf.text.sliding_window([1, 2, 3], 2).numpy()
    array([[1, 2],
           [2, 3]], dtype=int32)
    """
    data = dense_or_ragged(data, name="data")
    for word, value in (("axis", axis), ("width", width)):
        if not isinstance(value, int):
            raise TypeError(f"{word} must be an int")
    rank = data.shape.rank
    if rank is not None and not -rank <= axis < rank:
        raise InvalidArgumentError(
            "sliding_window: axis must be between -k <= axis <= -1 OR 0 <= axis < k"
        )
    if width <= 0:
        raise InvalidArgumentError("sliding_window: width must be an integer greater than 0")
    parts = []
    for start in range(width):
        part = slice(start, start - width + 1 or None)
        before: list[Any] = [slice(None)] * axis if axis >= 0 else [Ellipsis]
        parts.append(data[tuple([*before, part, *[slice(None)] * (-axis - 1)])])
    return stack(parts, axis + 1 if axis >= 0 else axis)


@export("text.ngrams", v1=[])
def ngrams(
    data: Any,
    width: int,
    axis: int = -1,
    reduction_type: Any = None,
    string_separator: str = " ",
    name: str | None = None,
) -> Any:
    """Returns the sum, the mean, or the joined strings of each window of a width along an axis.

    Args:
      data: a tensor or ragged tensor.
      width: of a window.
      axis: along which it slides; of strings -1.
      reduction_type: a `Reduction`.
      string_separator: what stands between joined strings.
      name: of the operation.

    Returns:
      A tensor or ragged tensor.

    Raises:
      TypeError: `axis` or `width` is not an int.
      InvalidArgumentError: there is no such axis or reduction, or the width is not positive.

    >>> tf.text.ngrams(["a", "b", "c"], 2, reduction_type=tf.text.Reduction.STRING_JOIN).numpy()
    array([b'a b', b'b c'], dtype=object)
    """
    if reduction_type is None:
        raise InvalidArgumentError("ngrams: reduction_type must be specified.")
    if not isinstance(reduction_type, Reduction):
        raise InvalidArgumentError("ngrams: reduction_type must be a Reduction.")
    if reduction_type is not Reduction.STRING_JOIN:
        windows = sliding_window(data, width, axis)
        reduce = reduce_sum if reduction_type is Reduction.SUM else reduce_mean
        return reduce(windows, axis if axis < 0 else axis + 1)
    if axis != -1:
        raise InvalidArgumentError(
            "ngrams: STRING_JOIN requires that ngrams' 'axis' parameter be -1."
        )
    data = dense_or_ragged(data, name="data")
    sliding_window(data, width, axis)  # which refuses what has no windows
    return _joined(data, dict(width=width, axis=axis, string_separator=string_separator, name=name))


def _joined(data: Any, arguments: dict[str, Any]) -> Any:
    if not isinstance(data, RaggedTensor):
        return text_op("NgramsStringJoin")(input_values=data, input_row_splits=[], **arguments)[0]
    if data.flat_values.shape.rank != 1:
        return data.with_flat_values(_joined(data.flat_values, arguments))
    kind = data.row_splits.dtype
    splits = data.with_row_splits_dtype("int64").nested_row_splits
    values, rows = text_op("NgramsStringJoin")(
        input_values=data.flat_values, input_row_splits=splits, **arguments
    )
    return RaggedTensor.from_nested_row_splits(values, rows, validate=False).with_row_splits_dtype(
        kind
    )
