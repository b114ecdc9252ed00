"""`tensorflow.python.framework.tensor_conversion`: conversion with the arguments of each version."""

from typing import Any

from penstock._src.core import convert


def convert_to_tensor_v1(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Any:
    """Returns `value` as a tensor."""
    return convert.convert_to_tensor(
        value, dtype, name, dtype_hint=preferred_dtype if dtype_hint is None else dtype_hint
    )


def convert_to_tensor_v2(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Any:
    """Returns `value` as a tensor."""
    return convert.convert_to_tensor(value, dtype, name, dtype_hint=dtype_hint)


convert_to_tensor_v2_with_dispatch = convert_to_tensor_v2
convert_to_tensor_v1_with_dispatch = convert_to_tensor_v1
