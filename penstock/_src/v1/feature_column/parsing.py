"""Specs for `tf.io.parse_example` of columns, and the concatenation of sequences and contexts."""

from __future__ import annotations

from typing import Any

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.shape_asserts import assert_rank, assert_type
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import FeatureColumn, _FeatureColumn


@export("feature_column.make_parse_example_spec", v1=[])
def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """The features that `tf.io.parse_example` must parse for the columns, by key.

    Args:
      feature_columns: the columns.

    Returns:
      A dictionary of features for `tf.io.parse_example`.

    Raises:
      ValueError: one is not a FeatureColumn, or two want different things of the same key.

    Example:
      >>> import penstock as tf
      >>> tf.feature_column.make_parse_example_spec([tf.feature_column.numeric_column("a")])
      {'a': FixedLenFeature(shape=(1,), dtype=tf.float32, default_value=None)}
    """
    return _merged(feature_columns, FeatureColumn, lambda column: column.parse_example_spec)


@export(v1=["feature_column.make_parse_example_spec"])
def make_parse_example_spec_v1(feature_columns: Any) -> dict[str, Any]:
    """`tf.feature_column.make_parse_example_spec`, for columns of the first generation as well."""
    return _merged(feature_columns, _FeatureColumn, lambda column: column._parse_example_spec)


def _merged(feature_columns: Any, kind: type, spec_of: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, kind):
            raise ValueError(
                f"All feature_columns must be {kind.__name__} instances. Given: {column}"
            )
        for key, value in spec_of(column).items():
            if merged.setdefault(key, value) != value:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and "
                    f"{merged[key]}"
                )
    return merged


def concatenate_context_input(context_input: Any, sequence_input: Any) -> Any:
    """Adds the context of each example to every step of its sequence.

    Args:
      context_input: float32 `[batch, n]`.
      sequence_input: float32 `[batch, steps, m]`.

    Returns:
      float32 `[batch, steps, m + n]`.
    """
    checks = []
    for name, value, rank in (
        ("sequence_input", sequence_input, 3),
        ("context_input", context_input, 2),
    ):
        value = convert_to_tensor(value)
        checks.append(assert_rank(value, rank, message=f"{name} must have rank {rank}"))
        assert_type(
            value, dtypes.float32, message=f"{name} must have dtype float32; got {value.dtype}."
        )
    with control_dependencies([check for check in checks if check is not None]):
        steps = raw.Shape(input=sequence_input)[1]
        repeats = raw.Pack(values=[1, steps, 1])
        tiled = raw.Tile(input=raw.ExpandDims(input=context_input, axis=1), multiples=repeats)
    return raw.ConcatV2(values=[sequence_input, tiled], axis=2)
