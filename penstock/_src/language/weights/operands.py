"""Operands of a network: matrices, packed or not, and vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import gather
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.eager.tensor import EagerTensor
from penstock._src.language.architecture import Activations
from penstock._src.native import target

# Rows for which matrix registers multiply bfloat16 at least as fast as int8, in every packed format: SmolLM2's and larger matrices (1.1 to 1.5 times as
# fast for 64 rows, 1.6 to 2.4 for 256; Q4_K with 32 rows .8), one core of a Xeon.
BFLOAT16_ROWS = 64
# The same for processors that multiply pairs of bfloat16 without such registers: more rows than are multiplied by the packed numbers in registers. Panels of
# float32 are what int8 takes for so many rows there (1.3 to 1.5 times as long for 5 rows, 1.7 to 1.9 for 64 and more, in four formats; one core of a Zen 5).
PAIR_ROWS = 5


def tensor_of(array: np.ndarray) -> EagerTensor:
    """Returns a tensor that shares its memory with an array, which nothing may write to."""
    return EagerTensor(array, dtypes.as_dtype(array.dtype))


@dataclass(frozen=True, eq=False)
class Matrix:
    """Rows of numbers, which are multiplied by or looked up.

    Attributes:
      rows, columns: its shape.
      values: floats `[rows, columns]`, or the bytes of packed rows.
      format: of packed rows; empty if they are not.
      activations: what packed rows are multiplied by: "float32" as it is, "int8" rounded to this type for each 32 neighbors,
        "bfloat16" rounded to this type as the unpacked rows are. "int8" means the latter for many rows if that is faster on this processor.
    """

    rows: int
    columns: int
    values: EagerTensor
    format: str = ""
    activations: Activations = "float32"

    def product(self, x: Any) -> Any:
        """Returns `x` times the transposed matrix, float32."""
        if self.format:
            return raw.PackedMatMul(
                x,
                self.values,
                format=self.format,
                activations=self.activations,
                bfloat16_rows=_bfloat16_rows(self.activations),
            )
        return matmul(x, cast(self.values, dtypes.float32), transpose_b=True)

    def looked_up(self, indices: Any) -> Any:
        """Returns rows, float32."""
        if self.format:
            return raw.PackedGather(self.values, indices, format=self.format)
        return cast(gather(self.values, indices), dtypes.float32)

    @property
    def attention_rows(self) -> int:
        """The least number of tokens for which attention between such products is rounded to bfloat16, 0 for none."""
        is_rounded = self.format and self.activations != "float32"
        return BFLOAT16_ROWS if is_rounded and target.host().multiplies_matrices else 0

    @property
    def bytes(self) -> int:
        """That the numbers take."""
        return self.values._value.nbytes


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix, and the bias of its products; None for no bias."""

    matrix: Matrix
    bias: EagerTensor | None = None

    def __call__(self, x: Any) -> Any:
        """Returns products."""
        product = self.matrix.product(x)
        return product if self.bias is None else product + self.bias


@dataclass(frozen=True, eq=False)
class Norm:
    """The factors of a norm, and its bias; None for no bias."""

    scale: EagerTensor
    bias: EagerTensor | None = None


def _bfloat16_rows(activations: Activations) -> int:
    """The least number of rows that are rounded to bfloat16 in place of int8, 0 for none."""
    if activations != "int8":
        return 0
    host = target.host()
    if host.multiplies_matrices:
        return BFLOAT16_ROWS
    return PAIR_ROWS if host.multiplies_pairs else 0
