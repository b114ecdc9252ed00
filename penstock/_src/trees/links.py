"""Link functions from sums of leaves to predictions: a row for each function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

Link = Callable[[Any, float], Any]


def _flat(sums: Tensor) -> Tensor:
    """[rows, sums], or [rows] of one sum."""
    return sums[:, 0] if sums.shape[1] == 1 else sums


def _sigmoid(sums: Tensor, slope: float) -> Tensor:
    return raw.Sigmoid(x=sums * slope if slope != 1.0 else sums)


def _two_classes(sums: Tensor, slope: float) -> Tensor:
    second = _sigmoid(sums[:, 0], slope)
    return raw.Pack(values=[1.0 - second, second], axis=1)


def _largest(sums: Tensor, _slope: float) -> Tensor:
    return raw.Cast(x=raw.ArgMax(input=sums, dimension=1), DstT=dtypes.float32)


def _positive(sums: Tensor, _slope: float) -> Tensor:
    return raw.Cast(x=_flat(sums) > 0.0, DstT=sums.dtype)


def _signed_square(sums: Tensor, _slope: float) -> Tensor:
    return _flat(raw.Sign(x=sums) * raw.Square(x=sums))


# "columns" keeps [rows, 1], where one sum is that of the only class.
LINKS: dict[str, Link] = {
    "identity": lambda sums, _: _flat(sums),
    "columns": lambda sums, _: sums,
    "second class": lambda sums, _: sums[:, 1],
    "sigmoid": lambda sums, slope: _flat(_sigmoid(sums, slope)),
    "two classes": _two_classes,
    "softmax": lambda sums, _: raw.Softmax(logits=sums),
    "largest": _largest,
    "positive": _positive,
    "exp": lambda sums, _: _flat(raw.Exp(x=sums)),
    "softplus": lambda sums, _: _flat(raw.Log1p(x=raw.Exp(x=sums))),
    "signed square": _signed_square,
}
