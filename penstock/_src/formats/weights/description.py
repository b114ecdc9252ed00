"""The description of a file of weights by `penstock show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.compiler.explain.text import units
from penstock._src.formats.weights.stored import Weights

# Texts are shown up to this length.
_LONGEST = 80


def about_weights(weights: Weights) -> dict[str, Any]:
    """Returns facts about weights by their titles: the metadata, then a summary of the tensors."""
    facts = {key: _said(value) for key, value in weights.metadata.items()}
    counts = Counter(tensor.type.name for tensor in weights.tensors.values())
    bits = 8 * weights.bytes / max(weights.numbers, 1)
    summary = f"{weights.numbers:,} numbers, {units(weights.bytes, 'B')}, {bits:.2f} bits each"
    return {**facts, "weights": summary, "tensors": dict(counts)}


def _said(value: Any) -> Any:
    """A value of metadata, in few words."""
    if isinstance(value, np.ndarray):
        return f"{len(value)} numbers"
    if isinstance(value, list) and (len(value) > 4 or any(isinstance(v, list) for v in value)):
        return f"{len(value)} values"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, str) and (len(value) > _LONGEST or "\n" in value):
        return f"a text of {len(value)} characters"
    return value
