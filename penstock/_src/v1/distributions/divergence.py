"""Kullback-Leibler divergences between distributions, registered by their classes."""

import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.api.math.elementwise import is_nan
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export

_KNOWN: dict[tuple[type, type], Callable[..., Any]] = {}


@export(v1=["distributions.RegisterKL"])
class RegisterKL:
    """Decorator that registers a function (a, b, name=None) as the divergence of two classes."""

    def __init__(self, dist_cls_a: type, dist_cls_b: type) -> None:
        self._key = dist_cls_a, dist_cls_b

    def __call__(self, kl_fn: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _KNOWN:
            names = " || ".join(kind.__name__ for kind in self._key)
            raise ValueError(f"KL({names}) has already been registered to: {_KNOWN[self._key]}")
        _KNOWN[self._key] = kl_fn
        return kl_fn


def divergence_of(first: type, second: type) -> Callable[..., Any]:
    """The function for two classes, or for their nearest base classes.

    Raises:
      NotImplementedError: none is registered.
    """
    nearest = None
    least = None
    for i, a in enumerate(inspect.getmro(first)):
        for j, b in enumerate(inspect.getmro(second)):
            if (a, b) in _KNOWN and (least is None or i + j < least):
                nearest, least = _KNOWN[a, b], i + j
    if nearest is None:
        raise NotImplementedError(
            "No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{first.__name__} and distribution_b type {second.__name__}"
        )
    return nearest


@export(v1=["distributions.kl_divergence"])
def kl_divergence(
    distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True, name: str | None = None
) -> Any:
    """The Kullback-Leibler divergence of `distribution_b` from `distribution_a`.

    Raises:
      NotImplementedError: no function is registered for these classes.
      InvalidArgumentError: the result is NaN, and `allow_nan_stats` is false.
    """
    value = divergence_of(type(distribution_a), type(distribution_b))(
        distribution_a, distribution_b, name=name
    )
    if not allow_nan_stats:
        holds = raw.LogicalNot(x=is_nan(value))
        check = raw.Assert(
            condition=raw.All(input=holds, axis=list(range(value.shape.rank or 0))),
            data=["KL calculation returned NaN values and the allow_nan_stats argument is False."],
        )
        if STATE.graph is not None:
            with STATE.graph.control_dependencies([check]):
                return raw.Identity(input=value)
    return value


def cross_entropy(
    ref: Any, other: Any, allow_nan_stats: bool = True, name: str | None = None
) -> Any:
    """The entropy of `ref` and the divergence of `other` from it."""
    del name
    return ref.entropy() + kl_divergence(ref, other, allow_nan_stats)
