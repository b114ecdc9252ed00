"""Weights that GPTQ and AWQ have quantized: groups of integers with scales and zero points, as packed rows of the same numbers.

A number is `(q - zero) * scale`. Where all zero points of a matrix are the middle one, its rows become Q4_0; else `q - zero` takes five bits, and they
become Q5_0. Numbers of eight bits become Q8_0. Nothing is rounded: scales that float16 does not hold are kept in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError
from penstock._src.formats.weights.packing import BLOCK, pack_integers
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.formats.weights.types import TYPES
from penstock._src.language.families.facts import Facts

_WEIGHT = ".qweight"
_PARTS = ("qweight", "qzeros", "scales", "g_idx")
# Of the numbers in a word of AWQ, the columns.
_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


def unpacked_groups(weights: Weights, where: str) -> Weights:
    """Returns weights with quantized groups converted to packed rows; as they are if `config.json` has no `quantization_config`.

    Args:
      weights: of a folder.
      where: the file `config.json`, for messages.

    Raises:
      DataLossError: shapes do not fit each other.
      UnimplementedError: they are quantized in another way.
    """
    about = Facts(weights.metadata, where).inside("quantization_config")
    if about is None:
        return weights
    layout = _Layout(about)
    tensors: dict[str, StoredTensor] = {}
    for name, tensor in weights.tensors.items():
        stem, _, part = name.rpartition(".")
        if name.endswith(_WEIGHT):
            parts = {each: weights.tensors.get(f"{stem}.{each}") for each in _PARTS}
            tensors[f"{stem}.weight"] = layout.packed(parts, f"{weights.path}: tensor '{name}'")
        elif part not in _PARTS or f"{stem}{_WEIGHT}" not in weights.tensors:
            tensors[name] = tensor
    metadata = {k: v for k, v in weights.metadata.items() if k != "quantization_config"}
    return replace(weights, tensors=tensors, metadata=metadata)


class _Layout:
    """Layout of groups in a file.

    Args:
      about: its `quantization_config`.
    """

    def __init__(self, about: Facts) -> None:
        self._about = about
        method = about.text("quant_method")
        self._bits = about.integer("bits", "w_bit", default=4)
        self._is_awq = method == "awq"
        known = (4,) if self._is_awq else (4, 8)
        if method not in ("awq", "gptq"):
            about.lacks(("quant_method",), "awq or gptq", method)
        if self._bits not in known:
            about.lacks(("bits",), " or ".join(map(str, known)), self._bits)
        kind = about.text("version" if self._is_awq else "checkpoint_format", default="")
        kinds = ("", "gemm") if self._is_awq else ("", "gptq", "gptq_v2")
        if kind.lower() not in kinds:
            about.lacks(("version", "checkpoint_format"), f"one of {kinds[1:]}", kind)
        # Zero points are stored less one, but in the second form of GPTQ.
        self._added = 0 if self._is_awq or kind == "gptq_v2" else 1

    def packed(self, parts: Mapping[str, StoredTensor | None], where: str) -> StoredTensor:
        """Returns the rows of a matrix.

        Args:
          parts: that the file has of it.
          where: for messages.
        """
        words, zeros, scales = (_array(parts[name], name, where) for name in _PARTS[:3])
        count = 32 // self._bits
        inputs = len(words) if self._is_awq else len(words) * count
        groups, outputs = scales.shape
        columns = outputs // count
        expected = (inputs, columns) if self._is_awq else (inputs // count, outputs)
        if words.shape != expected or zeros.shape != (groups, columns) or outputs % count:
            raise DataLossError(
                f"{where}: {list(words.shape)}, zero points {list(zeros.shape)} and scales {list(scales.shape)} do not fit each other."
            )
        if not groups or inputs % groups or (inputs // groups) % BLOCK:
            self._about.lacks(
                ("group_size",), f"groups of multiples of {BLOCK}", f"{groups} groups of {inputs}"
            )
        size = inputs // groups
        if parts["g_idx"] is not None:
            order = _array(parts["g_idx"], "g_idx", where)
            if order.shape != (inputs,) or (order != np.arange(inputs) // size).any():
                self._about.lacks(("desc_act",), "groups of neighbors", "another order")
        numbers = self._spread(words, not self._is_awq).astype(np.int16)
        points = self._spread(zeros, False).astype(np.int16) + self._added
        signed = numbers - np.repeat(points, size, axis=0)
        rows = np.repeat(np.asarray(scales, np.float32), size // BLOCK, axis=0).T
        packing = pack_integers(np.ascontiguousarray(signed.T).reshape(-1, BLOCK), rows)
        if packing is None:
            raise DataLossError(f"{where}: zero points are out of range.")
        kind, blocks = packing
        return StoredTensor((outputs, inputs), TYPES[kind], blocks.reshape(-1))

    def _spread(self, words: np.ndarray, is_along_inputs: bool) -> np.ndarray:
        """The numbers in words `[inputs, outputs]`."""
        count = 32 // self._bits
        shifts = np.arange(count, dtype=np.uint32) * self._bits
        order = np.argsort(_AWQ_ORDER) if self._is_awq else np.arange(count)
        numbers = (words.view(np.uint32)[..., None] >> shifts[order]) & ((1 << self._bits) - 1)
        if is_along_inputs:
            return numbers.transpose(0, 2, 1).reshape(-1, words.shape[1])
        return numbers.reshape(len(words), -1)


def _array(tensor: StoredTensor | None, part: str, where: str) -> np.ndarray:
    if tensor is None:
        raise DataLossError(f"{where}: there is no '{part}' beside it.")
    array: Any = tensor.array()
    ranks = {"g_idx": 1}.get(part, 2)
    is_kind = tensor.type.name in (("F16", "BF16", "F32") if part == "scales" else ("I32",))
    if array.ndim != ranks or not is_kind:
        raise DataLossError(
            f"{where}: '{part}': expected {ranks} axes of {'floats' if part == 'scales' else 'I32'}. Found {tensor.type.name} {list(tensor.shape)}."
        )
    return np.asarray(array)
