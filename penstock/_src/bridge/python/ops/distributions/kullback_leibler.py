"""The registry of divergences, and cross entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.v1.distributions.divergence import _KNOWN as _DIVERGENCES
from penstock._src.v1.distributions.divergence import cross_entropy, divergence_of

__all__ = ["_DIVERGENCES", "cross_entropy"]


def _registered_kl(type_a: type, type_b: type) -> Callable[..., Any] | None:
    """Returns the function for two classes, or None."""
    try:
        return divergence_of(type_a, type_b)
    except NotImplementedError:
        return None
