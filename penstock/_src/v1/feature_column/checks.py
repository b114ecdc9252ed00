"""Checks of the arguments of columns."""

from __future__ import annotations

from typing import Any

from penstock._src.core import dtypes


def check_key(key: Any) -> None:
    """Raises unless `key` can name a feature."""
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


def check_numeric(dtype: Any, message: str) -> None:
    """Raises unless a type is an integer or floating point one."""
    if dtype is None or not (dtype.is_integer or dtype.is_floating):
        raise ValueError(message)


def check_string_or_integer(dtype: Any, what: str) -> None:
    """Raises unless a type can be that of categories."""
    if dtype != dtypes.string and not dtype.is_integer:
        raise ValueError(f"{what} dtype must be string or integer. dtype: {dtype}.")


def check_buckets(num_oov_buckets: int | None, default_value: Any, unset: Any, key: Any) -> None:
    """Raises unless unknown values get either a default or buckets (`unset` is the default's default)."""
    if not num_oov_buckets:
        return
    if default_value != unset:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
    if num_oov_buckets < 0:
        raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


def check_embedding(dimension: Any, initializer: Any, checkpoint: Any, tensor_name: Any) -> None:
    """Raises unless the arguments that all embeddings share are valid."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (checkpoint is None) != (tensor_name is None):
        raise ValueError(
            "Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them."
        )
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. Given: {initializer}")
