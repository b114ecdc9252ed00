"""Checks of the arguments of convolutional and pooling layers."""

from typing import Any

_LAYOUTS = {
    "channels_last": {3: "NWC", 4: "NHWC", 5: "NDHWC"},
    "channels_first": {3: "NCW", 4: "NCHW", 5: "NCDHW"},
}


def convert_data_format(data_format: str, ndim: int) -> str:
    """Returns the layout of convolutions ("NHWC") for the place of the channels and a rank.

    Raises:
      ValueError: there is none.
    """
    if data_format not in _LAYOUTS:
        raise ValueError(
            f'Invalid data_format: {data_format}. We only support "channels_first" or "channels_last"'
        )
    if ndim not in _LAYOUTS[data_format]:
        raise ValueError(f"Input rank: {ndim} not supported. We only support input rank 3, 4 or 5.")
    return _LAYOUTS[data_format][ndim]


def normalize_tuple(value: Any, n: int, name: str) -> tuple[Any, ...]:
    """Returns `n` integers as a tuple; one integer stands for `n` of them.

    Raises:
      ValueError: `value` is something else.
    """
    if isinstance(value, int):
        return (value,) * n
    refusal = f"Argument `{name}` must be a tuple of {n} integers. Received: {value}"
    try:
        parts = tuple(value)
    except TypeError:
        raise ValueError(refusal) from None
    if len(parts) != n:
        raise ValueError(refusal)
    for part in parts:
        try:
            int(part)
        except (ValueError, TypeError):
            raise ValueError(f"{refusal} including element {part} of type {type(part)}") from None
    return parts


def normalize_data_format(value: str) -> str:
    """Returns "channels_first" or "channels_last", in lower case."""
    data_format = value.lower()
    if data_format not in _LAYOUTS:
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last". '
            f"Received: {value}."
        )
    return data_format


def normalize_padding(value: str) -> str:
    """Returns "valid" or "same", in lower case."""
    padding = value.lower()
    if padding not in ("valid", "same"):
        raise ValueError(
            f'The `padding` argument must be one of "valid", "same". Received: {padding}.'
        )
    return padding
