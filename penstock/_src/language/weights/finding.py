"""Finds the tensors of a model by our names, and checks their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from penstock._src.core.errors import DataLossError, NotFoundError, UnimplementedError
from penstock._src.filesystems.mapping import drop_pages
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.language.architecture import Activations
from penstock._src.language.families.names import (
    GGUF,
    GGUF_OF,
    LAYOUTS,
    OR,
    OUTPUT_PREFIXES,
    PREFIXES,
    UNUSED,
)
from penstock._src.language.families.table import FAMILIES, Family
from penstock._src.language.weights.operands import Linear, Matrix, Norm, tensor_of

_EMBEDDING, _OUTPUT = "embedding", "output"
# Fields of `config.json` that are true if queries and keys have norms by head.
_SAYING_NORMS = ("qk_layernorm", "use_qk_norm")


class Finder:
    """The tensors of a file by our names.

    Args:
      weights: of the file.
      family: the name of the model's family.
      is_gguf: whether names and orders are those of GGUF, or of Hugging Face.
      packs: False: matrices are unpacked to float32.
      activations: what packed matrices are multiplied by.

    Raises:
      NotFoundError: there is no embedding, so the names have no known layout.
    """

    def __init__(
        self,
        weights: Weights,
        family: str,
        is_gguf: bool,
        packs: bool,
        activations: Activations = "float32",
    ) -> None:
        self.weights, self.is_gguf, self._packs = weights, is_gguf, packs
        self._activations: Activations = activations
        self.family: Family = FAMILIES[family]
        self._names: Mapping[str, str] = LAYOUTS[self.family.layout]
        if is_gguf:
            self._names = {**GGUF, **GGUF_OF.get(family, {})}
        self._prefix = "" if is_gguf else self._found_prefix()
        self._read: set[str] = set()

    def _found_prefix(self) -> str:
        for prefix in PREFIXES:
            if f"{prefix}{self._names[_EMBEDDING]}.weight" in self.weights.tensors:
                return prefix
        raise NotFoundError(
            f"{self.weights.path}: there is no tensor '{self._names[_EMBEDDING]}.weight', so this is no model of the family {self.family.name}."
        )

    def name(self, ours: str, layer: int = 0, part: str = "weight") -> str:
        """Returns the name of a tensor in the file."""
        is_outside = ours == _OUTPUT and not self.is_gguf
        prefixes = OUTPUT_PREFIXES if is_outside else (self._prefix,)
        either = self._names[ours].replace("{}", str(layer)).split(OR)
        names = [f"{prefix}{name}.{part}" for prefix in prefixes for name in either]
        return next((name for name in names if name in self.weights.tensors), names[0])

    def has(self, ours: str, layer: int = 0, part: str = "weight") -> bool:
        """True if the tensor is there."""
        return ours in self._names and self.name(ours, layer, part) in self.weights.tensors

    def stored(self, ours: str, layer: int, part: str, shape: Sequence[int]) -> StoredTensor:
        """Returns a tensor.

        Raises:
          NotFoundError: it is missing.
          DataLossError: it has another shape.
        """
        name = self.name(ours, layer, part)
        tensor = self.weights.tensors.get(name)
        if tensor is None:
            raise NotFoundError(f"{self.weights.path}: there is no tensor '{name}'.")
        self._read.add(name)
        if tensor.shape != tuple(shape):
            raise DataLossError(
                f"{self.weights.path}: tensor '{name}': expected the shape {list(shape)}. Found {list(tensor.shape)}."
            )
        return tensor

    def check_rest(self, is_causal: bool) -> None:
        """Refuses tensors that have not been asked for, as the model would compute something else without them.

        Args:
          is_causal: False if the model gives no logits, so that matrices for them do not count.

        Raises:
          UnimplementedError: there is one.
        """
        for name in self.weights.tensors:
            is_head = not is_causal and name.startswith(("lm_head.", "output."))
            if name not in self._read and not is_head and not UNUSED.fullmatch(name):
                raise UnimplementedError(
                    f"{self.weights.path}: models of the family {self.family.name} with a tensor '{name}' are not implemented."
                )

    def vector(self, ours: str, layer: int, part: str, size: int) -> np.ndarray:
        """Returns a vector, float32."""
        return np.asarray(self.stored(ours, layer, part, [size]).array(), np.float32)

    def norm(self, ours: str, size: int, layer: int = 0) -> Norm | None:
        """Returns a norm; None if models of the family have none there."""
        if ours not in self.family.norms:
            return None
        scale = self.vector(ours, layer, "weight", size)
        if self.family.norm_offset and not self.is_gguf:
            scale = scale + np.float32(self.family.norm_offset)
        bias = self.vector(ours, layer, "bias", size) if self.has(ours, layer, "bias") else None
        return Norm(tensor_of(scale), None if bias is None else tensor_of(bias))

    def norm_by_head(
        self, ours: str, heads: int, size: int, layer: int, order: np.ndarray | None
    ) -> Norm | None:
        """Returns a norm with factors for each head, `[heads, size]`; None if the model has none there.

        Args:
          ours: our name.
          heads, size: of the matrix of factors.
          layer: the layer.
          order: of the numbers of all heads; None for that of the file.
        """
        if self.has(ours, layer):
            scale = self.stored(ours, layer, "weight", [heads, size]).array()
        elif any(self.weights.metadata.get(name) for name in _SAYING_NORMS):
            parts = [f"norms.{head}.weight" for head in range(heads)]
            scale = np.stack([self.vector(ours, layer, part, size) for part in parts])
        else:
            return None
        if order is not None:
            scale = scale.reshape(-1)[order].reshape(heads, size)
        return Norm(tensor_of(np.asarray(scale, np.float32)))

    def linear(
        self,
        ours: str,
        rows: int,
        columns: int,
        layer: int,
        order: np.ndarray | slice | None = None,
    ) -> Linear:
        """Returns a matrix with its bias, if it has one.

        Args:
          ours: our name.
          rows, columns: of the matrix in the file, as it is multiplied by.
          layer: the layer.
          order: of the rows that are wanted; None for all as they are.
        """
        stored = self._rows(ours, rows, columns, layer)
        bias = self.vector(ours, layer, "bias", rows) if self.has(ours, layer, "bias") else None
        values = stored.values._value
        if order is not None:
            whole, values = values, values[order]
            if not isinstance(order, slice):  # copied
                drop_pages(whole)
            bias = None if bias is None else np.ascontiguousarray(bias[order])
        matrix = Matrix(len(values), columns, tensor_of(values), stored.format, stored.activations)
        return Linear(matrix, None if bias is None else tensor_of(bias))

    def matrix(self, ours: str, rows: int, columns: int) -> Matrix:
        """Returns a matrix that is held as it is multiplied by, in every layout."""
        return self._matrix(self.stored(ours, 0, "weight", [rows, columns]))

    def _rows(self, ours: str, rows: int, columns: int, layer: int) -> Matrix:
        is_transposed = self.family.is_transposed and not self.is_gguf and ours != _OUTPUT
        shape = [columns, rows] if is_transposed else [rows, columns]
        tensor = self.stored(ours, layer, "weight", shape)
        if not is_transposed:
            return self._matrix(tensor)
        return Matrix(rows, columns, tensor_of(np.ascontiguousarray(tensor.array().T)))

    def _matrix(self, stored: StoredTensor) -> Matrix:
        rows, columns = stored.shape
        layout = stored.type.layout
        if layout is not None and self._packs:
            values = stored.type.blocks(stored.data).reshape(rows, -1)
            return Matrix(rows, columns, tensor_of(values), layout.name, self._activations)
        if stored.type.is_packed:
            return Matrix(rows, columns, tensor_of(stored.array()))
        if stored.type.name not in ("F32", "F16", "BF16"):
            raise DataLossError(
                f"{self.weights.path}: expected a matrix of floats. Found one of {stored.type.name} {list(stored.shape)}."
            )
        return Matrix(rows, columns, tensor_of(stored.array()))
