"""Slices of operators' batch axes."""

from __future__ import annotations

from typing import Any

from penstock._src.api.linalg.operators.slicing import sliced, sliced_argument


def batch_slice(linop: Any, params_overrides: dict[str, Any], slices: Any) -> Any:
    """Returns the operator with sliced arguments, but those in `params_overrides`."""
    return sliced(linop, slices, params_overrides)


def _slice_single_param(
    param: Any, param_ndims_to_matrix_ndims: int, slices: Any, batch_shape: Any
) -> Any:
    return sliced_argument(param, param_ndims_to_matrix_ndims, slices, batch_shape)
