"""Conversion to the type in which Toeplitz operators compute products."""

from typing import Any

from penstock._src.api.linalg.operators.kinds.convolution import complex_of
from penstock._src.api.math.elementwise import cast


def _to_complex(x: Any) -> Any:
    return cast(x, complex_of(x.dtype))
