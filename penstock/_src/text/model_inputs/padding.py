"""Values put at the ends of rows, and rows made equally long."""

from typing import Any

from penstock._src.api.array.creation import ones_like
from penstock._src.api.array.joining import concat
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged
from penstock._src.util.export import export


@export("text.pad_model_inputs", v1=[])
def pad_model_inputs(input: Any, max_seq_length: Any, pad_value: Any = 0) -> tuple[Any, Any]:
    """Returns rows of one length, and where they hold values.

    Args:
      input: rows of values, dense or ragged; inner dimensions are joined to one.
      max_seq_length: the length.
      pad_value: the value that fills shorter rows; longer ones are cut off.

    Returns:
      The rows, and rows of 1 where there is a value and 0 where there is none.

    Raises:
      TypeError: `input` is a scalar.

    >>> tf.text.pad_model_inputs(tf.ragged.constant([[1, 2], [3]]), 3)[0].numpy()
    array([[1, 2, 0],
           [3, 0, 0]], dtype=int32)
    """
    input = dense_or_ragged(input)
    if not isinstance(input, RaggedTensor):
        if input.shape.rank == 0:
            raise TypeError("Input must be at least rank 1")
        if input.shape.rank == 1:
            parts = pad_model_inputs(
                raw.Reshape(tensor=input, shape=[1, -1]), max_seq_length, pad_value
            )
            return tuple(raw.Reshape(tensor=part, shape=[-1]) for part in parts)  # type: ignore[return-value]
        input = RaggedTensor.from_tensor(input)
    if input.ragged_rank > 1:
        input = input.merge_dims(1, -1)
    shape = cast([-1, max_seq_length], dtypes.int64)
    return input.to_tensor(shape=shape, default_value=pad_value), ones_like(input).to_tensor(
        shape=shape
    )


@export("text.pad_along_dimension", v1=[])
def pad_along_dimension(
    data: Any, axis: int = -1, left_pad: Any = None, right_pad: Any = None, name: str | None = None
) -> Any:
    """Returns a tensor with values added before and after all its slices along an axis.

    Args:
      data: a tensor or ragged tensor.
      axis: along which values are put.
      left_pad: what is put before each slice; None for nothing.
      right_pad: what is put after each slice; None for nothing.
      name: is not used.

    Returns:
      A tensor or ragged tensor.

    Raises:
      TypeError: `axis` is not an int.
      InvalidArgumentError: there is no such axis.

    >>> tf.text.pad_along_dimension(tf.ragged.constant([[1, 2], [3]]), left_pad=[9]).to_list()
    [[9, 1, 2], [9, 3]]
    """
    data = dense_or_ragged(data, name="data")
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    if left_pad is None and right_pad is None:
        return data
    rank = data.shape.rank
    if rank is not None and not -rank <= axis < rank:
        raise InvalidArgumentError(
            "pad_along_dimension: axis must be between -k <= axis <= -1 OR 0 <= axis < k"
        )
    if isinstance(data, RaggedTensor) and axis < 0:
        if rank is None:
            raise ValueError(
                "axis may not be negative if data is ragged and data.ndims is not statically known."
            )
        axis += rank

    def around(value: Any) -> list[Any]:
        if value is None:
            return []
        return [_padding_for_dimension(data, axis, dense_or_ragged(value, dtype=data.dtype))]

    return concat([*around(left_pad), data, *around(right_pad)], axis)


def _padding_for_dimension(data: Any, axis: int, value: Any) -> Any:
    """A value for each slice of `data` along an axis; None for None."""
    if value is None:
        return None
    value.shape[1:].assert_is_compatible_with(data.shape[axis:][1:])
    if isinstance(data, RaggedTensor):
        return _repeated_in_rows(value, data, axis)
    outer = raw.Shape(input=data)[:axis]
    shape = raw.Shape(input=value)
    ones = raw.OnesLike(x=outer)
    expanded = raw.Reshape(tensor=value, shape=raw.ConcatV2(values=[ones, shape], axis=0))
    padding = raw.Tile(
        input=expanded, multiples=raw.ConcatV2(values=[outer, raw.OnesLike(x=shape)], axis=0)
    )
    padding.set_shape(data.shape[:axis].concatenate(value.shape))
    return padding


def _repeated_in_rows(value: Any, data: Any, axis: int) -> Any:
    if axis == 0:
        return value
    if axis > 1:
        return RaggedTensor.from_row_splits(
            _repeated_in_rows(value, data.values, axis - 1), data.row_splits, validate=False
        )
    rows = data.nrows()
    count = (
        value.nrows()
        if isinstance(value, RaggedTensor)
        else raw.Shape(input=value, out_type=dtypes.int64)[0]
    )
    count = cast(count, rows.dtype)
    repeated = concat([value[:0], _tiled(value, rows)], 0)
    return RaggedTensor.from_row_splits(repeated, _range(rows + 1) * count, validate=False)


def _range(count: Any) -> Any:
    return raw.Range(start=count * 0, limit=count, delta=count * 0 + 1)


def _tiled(value: Any, times: Any) -> Any:
    """A tensor or ragged tensor that is repeated along its first axis."""
    if isinstance(value, RaggedTensor):
        lengths = _tiled(value.row_lengths(), times)
        return RaggedTensor.from_row_lengths(_tiled(value.values, times), lengths, validate=False)
    others = raw.OnesLike(x=raw.Shape(input=value)[1:])
    return raw.Tile(
        input=value,
        multiples=raw.ConcatV2(
            values=[raw.Reshape(tensor=cast(times, dtypes.int32), shape=[1]), others], axis=0
        ),
    )
