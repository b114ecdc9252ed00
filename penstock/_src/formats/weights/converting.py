"""Weights as another format holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.formats.weights.types import TYPES, StorageType

_FLOATS = ("F64", "F32", "F16", "BF16")


def converted(weights: Weights, source: str, target: str, quantize: str = "") -> Weights:
    """Returns weights as a file of another format, or with other types, is to hold them.

    Args:
      weights: as they were read.
      source, target: names of the formats.
      quantize: the type of matrices; empty: their own, or float32 where the target has no packed ones. Vectors and matrices whose rows are not whole
        blocks are not packed.

    Raises:
      UnimplementedError: tensors would need other names.
    """
    if (source, target) == ("safetensors", "gguf") and "model_type" in weights.metadata:
        raise UnimplementedError(
            f"{weights.path}: a model's tensors have other names, orders and facts in GGUF. Writing these is not implemented."
        )
    wanted = TYPES[quantize] if quantize else None
    is_packing = target == "gguf"
    tensors = {n: _stored(t, wanted, is_packing) for n, t in weights.tensors.items()}
    facts = weights.metadata
    return Weights(weights.path, tensors, facts if source == target else _plain(facts))


def _stored(tensor: StoredTensor, wanted: StorageType | None, is_packing: bool) -> StoredTensor:
    is_number = tensor.type.is_packed or tensor.type.name in _FLOATS
    if wanted is not None and len(tensor.shape) > 1 and is_number:
        fits = wanted.layout is None or tensor.shape[-1] % wanted.layout.block == 0
        return tensor.stored_as(wanted) if fits else tensor
    return tensor.stored_as(TYPES["F32"]) if tensor.type.is_packed and not is_packing else tensor


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON holds them."""
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in facts.items()}
