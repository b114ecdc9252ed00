"""Checks of the arguments of convolutional and pooling layers."""

from typing import Any

_LAYOUTS = {
    "channels_last": {3: "NWC", 4: "NHWC", 5: "NDHWC"},
    "channels_first": {3: "NCW", 4: "NCHW", 5: "NCDHW"},
}


def convert_data_format(data_format: str, ndim: int) -> str:
    """Returns the layout of convolutions ("NHWC") for a position of the channels and a rank.

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
    """Returns `n` integers as a tuple; one integer is repeated `n` times.

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


def normalize_padding(value: str, *others: str) -> str:
    """Returns "valid", "same" or one of `others`, in lower case."""
    padding = value.lower()
    allowed = ("valid", "same", *others)
    if padding not in allowed:
        names = ", ".join(f'"{name}"' for name in allowed)
        raise ValueError(f"The `padding` argument must be one of {names}. Received: {padding}.")
    return padding


def conv_output_length(
    input_length: Any, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> Any:
    """Returns the length of a convolution's result along an axis, or None for None."""
    if input_length is None:
        return None
    overhang = {"same": 0, "valid": -1, "full": 1, "causal": 0}[_checked(padding)]
    reach = (filter_size - 1) * dilation
    return (input_length + overhang * reach + stride - 1) // stride


def conv_input_length(output_length: Any, filter_size: int, padding: str, stride: int) -> Any:
    """Returns the length of the input of a convolution with a result of this length, or None for None."""
    if output_length is None:
        return None
    pads = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}
    return (output_length - 1) * stride - 2 * pads[_checked(padding)] + filter_size


def deconv_output_length(input_length: Any, filter_size: int, padding: str, stride: int) -> Any:
    """Returns the length of a transposed convolution's result along an axis, or None for None."""
    if input_length is None:
        return None
    length = input_length * stride
    if padding == "valid":
        return length + max(filter_size - stride, 0)
    return length - (stride + filter_size - 2) if padding == "full" else length


def _checked(padding: str) -> str:
    assert padding in ("same", "valid", "full", "causal")
    return padding
