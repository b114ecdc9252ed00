"""`tensorflow.python.ops.distributions.identity_bijector`: the function that changes nothing."""

from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor

from .bijector import Bijector


class Identity(Bijector):
    """The identity, whose Jacobian has the determinant 1."""

    def __init__(self, validate_args: bool = False, name: str = "identity") -> None:
        super().__init__(
            forward_min_event_ndims=0,
            is_constant_jacobian=True,
            validate_args=validate_args,
            name=name,
        )

    def _forward(self, x: Any) -> Any:
        return x

    def _inverse(self, y: Any) -> Any:
        return y

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return convert_to_tensor(np.zeros((), y.dtype.as_numpy_dtype))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return convert_to_tensor(np.zeros((), x.dtype.as_numpy_dtype))
