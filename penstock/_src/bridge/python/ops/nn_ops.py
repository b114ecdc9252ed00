"""`tensorflow.python.ops.nn_ops`: arguments of convolutions."""

from typing import Any


def convert_padding(padding: Any, expected_length: int = 4) -> tuple[Any, list[Any]]:
    """Returns the padding of a convolution as the attributes `padding` and `explicit_paddings` of the op.

    Raises:
      ValueError: the padding is "EXPLICIT", or a list of another form.
    """
    if padding == "EXPLICIT":
        raise ValueError(
            "'EXPLICIT' is not a valid value for `padding`. To use explicit padding, `padding` must be a "
            "list."
        )
    if not isinstance(padding, (list, tuple)):
        return padding, []
    flat: list[Any] = []
    for at, pair in enumerate(padding):
        is_list = isinstance(pair, (list, tuple))
        if not is_list or len(pair) != 2:
            found = f"of size {len(pair)}" if is_list else f"of type {type(pair)}"
            raise ValueError(
                "When `padding` is a list, each element of `padding` must be a list/tuple of size 2. "
                f"Received: padding={padding} with element at index {at} {found}"
            )
        flat.extend(pair)
    if len(padding) != expected_length:
        raise ValueError(
            f"When padding is a list, it must be of size {expected_length}. Received: "
            f"padding={padding} of size {len(padding)}"
        )
    return "EXPLICIT", flat
