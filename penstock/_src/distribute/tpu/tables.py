"""Configurations of embedding tables and of their features."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.initializers import TruncatedNormal
from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export

COMBINERS = ("mean", "sum", "sqrtn")


@export("tpu.experimental.embedding.QuantizationConfig")
@dataclasses.dataclass(eq=False)
class QuantizationConfig:
    """Simulates quantization in training: entries are rounded to a fixed number of values between two limits.

    Args:
      num_buckets: the number of values, at least 2.
      lower, upper: the limits.
    """

    num_buckets: int
    lower: float
    upper: float

    def __post_init__(self) -> None:
        if self.num_buckets < 2:
            raise ValueError(
                f"num_buckets is {self.num_buckets}, must be at least 2 for simulated quantization."
            )


@export("tpu.experimental.embedding.TableConfig")
class TableConfig:
    """An embedding table.

    Args:
      vocabulary_size, dim: rows and columns.
      initializer: initializes the entries; by default truncated normal with deviation 1 / sqrt(dim).
      optimizer: the optimizer of this table; overrides the common one.
      combiner: how the rows of one sample are combined: "mean", "sum" or "sqrtn".
      name: of the table.
      quantization_config: a QuantizationConfig.
      layout: the layout of the table on the embedding hardware.
      dtype: of the entries.

    Raises:
      ValueError: an argument is out of range.

    >>> table = tf.tpu.experimental.embedding.TableConfig(vocabulary_size=8, dim=4)
    >>> table.dim
    4
    """

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        initializer: Callable[..., Any] | None = None,
        optimizer: Any = None,
        combiner: Any = "mean",
        name: str | None = None,
        quantization_config: QuantizationConfig | None = None,
        layout: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        if not isinstance(vocabulary_size, int) or vocabulary_size < 1:
            raise ValueError(
                "Argument `vocabulary_size` must be an int and must be >= 1. Received: "
                f"{vocabulary_size}"
            )
        if not isinstance(dim, int) or dim < 1:
            raise ValueError(
                f"Argument `dim` (embedding dimension) must be an int and must be >= 1. Received: {dim}"
            )
        if initializer is not None and not callable(initializer):
            raise ValueError(
                f"Argument `initializer` must be a callable (or None). Received: {initializer}"
            )
        if isinstance(combiner, str) and combiner not in COMBINERS:
            raise ValueError(
                f"String argument `combiner` must be in {COMBINERS}. Received: {combiner}"
            )
        self._own_initializer = initializer
        self.initializer = initializer or TruncatedNormal(0.0, 1 / math.sqrt(dim))
        self.vocabulary_size, self.dim, self.dtype = vocabulary_size, dim, dtype
        self.optimizer, self.combiner, self.name = optimizer, combiner, name
        self.quantization_config, self.layout = quantization_config, layout

    def __repr__(self) -> str:
        return (
            f"TableConfig(vocabulary_size={self.vocabulary_size!r}, dim={self.dim!r}, "
            f"initializer={self._own_initializer!r}, optimizer={self.optimizer!r}, "
            f"combiner={self.combiner!r}, name={self.name!r}, "
            f"quantization_config={self.quantization_config!r})"
        )


@export("tpu.experimental.embedding.FeatureConfig")
@dataclasses.dataclass(eq=False)
class FeatureConfig:
    """A feature that is looked up in a table.

    Args:
      table: a TableConfig; several features may share one.
      max_sequence_length: if positive, the feature is a sequence of at most this many rows, which are
        not combined.
      validate_weights_and_indices: whether values are checked.
      output_shape: the shape of the lookup result, without the columns of the table.
      name: of the feature.

    >>> table = tf.tpu.experimental.embedding.TableConfig(vocabulary_size=8, dim=4)
    >>> tf.tpu.experimental.embedding.FeatureConfig(table).table.vocabulary_size
    8
    """

    table: TableConfig
    max_sequence_length: int = 0
    validate_weights_and_indices: bool = True
    output_shape: Any = None
    name: str | None = None

    def __post_init__(self) -> None:
        self.output_shape = TensorShape(self.output_shape)


@export("tpu.experimental.embedding.SparseCoreEmbeddingConfig")
@dataclasses.dataclass(frozen=True)
class SparseCoreEmbeddingConfig:
    """Layout of tables on TPUs with sparse cores.

    Args:
      disable_table_stacking: whether each table is kept by itself.
      max_ids_per_chip_per_sample: how many ids an example may have for a chip.
      max_ids_per_table, max_unique_ids_per_table: how many ids a batch may have for each table, by
        its name.
      allow_id_dropping: whether ids above these numbers are dropped.
      initialize_tables_on_host: whether the host makes the initial values.
      enable_fast_table_initialization: whether tables are initialized together.
    """

    disable_table_stacking: bool = False
    max_ids_per_chip_per_sample: int = 64
    max_ids_per_table: dict[str, int] | None = None
    max_unique_ids_per_table: dict[str, int] | None = None
    allow_id_dropping: bool = False
    initialize_tables_on_host: bool = True
    enable_fast_table_initialization: bool = False


@export("tpu.experimental.embedding.RowIdInitializer")
class RowIdInitializer:
    """Fills each row with its index plus `offset`.

    Args:
      offset: an int.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset

    def __call__(self, shape: Any, dtype: Any) -> np.ndarray:
        numbers = np.arange(self.offset, self.offset + shape[0], dtype=dtype)
        return np.broadcast_to(numbers[:, None], shape)
