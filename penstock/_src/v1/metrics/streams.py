"""Helpers of all metrics: local variables, matching of argument shapes, and named results."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock._src.api.array.creation import zeros
from penstock._src.api.control.conditionals import cond
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.variables.collections import GraphKeys, VariableV1

Result = tuple[Any, Any]


@contextmanager
def stream(function: str, name: str | None) -> Iterator[None]:
    """The scope of a metric's operations.

    Raises:
      RuntimeError: executing eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError(
            f"tf.metrics.{function} is not supported when eager execution is enabled."
        )
    with STATE.graph.name_scope(name or function):
        yield


def metric(
    scope: str | Callable[[dict[str, Any]], str] = "", *more: str
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Decorator that makes a function that returns (value, update) public, with collections for both and a name.

    Args:
      scope: the default name of the operations, or a function of the arguments that returns it; by default the
        function's name.
      more: additional names of the function in `tf.metrics`.
    """

    def decorate(compute: Callable[..., Result]) -> Callable[..., Result]:
        own = list(inspect.signature(compute).parameters.values())
        added = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
            for name in ("metrics_collections", "updates_collections", "name")
        ]
        shown = inspect.Signature([*own, *added])

        @functools.wraps(compute)
        def run(*args: Any, **kwargs: Any) -> Result:
            bound = shown.bind(*args, **kwargs)
            bound.apply_defaults()
            *arguments, of_values, of_updates, name = bound.arguments.values()
            by_default = scope(bound.arguments) if callable(scope) else scope
            with stream(by_default or compute.__name__, name):
                return collected(*compute(*arguments), of_values, of_updates)

        run.__signature__ = shown  # type: ignore[attr-defined]
        del run.__wrapped__
        return export(v1=[f"metrics.{name}" for name in (compute.__name__, *more)])(run)

    return decorate


def local_variable(name: str, shape: Any = (), dtype: Any = dtypes.float32) -> VariableV1:
    """A local variable of a metric, initialized with zeros."""
    return VariableV1(
        lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        name=name,
    )


def summed(name: str, shape: Any, terms: Any, dtype: Any = dtypes.float32) -> Result:
    """Returns (the value of a new variable, its value after `terms` are added)."""
    variable = local_variable(name, shape, dtype)
    return variable.value(), variable.assign_add(cast(terms, dtype))


def collected(
    value: Any, update: Any, metrics_collections: Any, updates_collections: Any
) -> Result:
    """Names the results and adds them to the given collections."""
    value = raw.Identity(input=value, name="value")
    update = raw.Identity(input=update, name="update_op")
    for collections, item in ((metrics_collections, value), (updates_collections, update)):
        if collections:
            STATE.graph.add_to_collections(collections, item)
    return value, update


def of_both(make: Callable[..., Any], *pairs: Result) -> Result:
    """Applies `make` to the values, and to the updates."""
    return make(*(value for value, _ in pairs)), make(*(update for _, update in pairs))


def ratio(numerator: Any, denominator: Any) -> Any:
    """The quotient; 0 where the denominator is 0."""
    return raw.DivNoNan(x=numerator, y=denominator)


def total(x: Any) -> Any:
    """The sum of all elements."""
    if x.shape.rank is None:
        return raw.Sum(input=x, axis=raw.Range(start=0, limit=raw.Rank(input=x), delta=1))
    return raw.Sum(input=x, axis=np.arange(x.shape.rank, dtype=np.int32))


def weights_like(weights: Any, values: Any) -> Any:
    """Casts and broadcasts weights to the dtype and shape of values.

    Raises:
      ValueError: they cannot be broadcast.
    """
    weights = cast(convert_to_tensor(weights), values.dtype)
    rank = weights.shape.rank
    if rank == values.shape.rank:
        for axis, (one, other) in enumerate(zip(weights.shape, values.shape)):
            if one not in (None, 1) and other is not None and one != other:
                raise ValueError(
                    f"weights can not be broadcast to values. Mismatch at dim {axis}. "
                    f"values.shape={values.shape}, weights.shape={weights.shape}."
                )
    elif rank not in (None, 0):
        # One weight per row: broadcast over the other axes.
        if values.shape.rank is not None and rank < values.shape.rank:
            for _ in range(values.shape.rank - rank):
                weights = raw.ExpandDims(input=weights, axis=-1)
        else:
            raise ValueError(
                "weights can not be broadcast to values. "
                f"values.rank={values.shape.rank}. weights.rank={rank}."
            )
    return raw.Mul(x=weights, y=raw.OnesLike(x=values))


def fitting(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Predictions, labels and weights of equal rank: an extra last axis of size 1 is removed, and weights get a missing one.

    Raises:
      ValueError: the shapes do not match.
    """
    predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
    predictions, labels = _squeezed(predictions, labels), _squeezed(labels, predictions)
    if not predictions.shape.is_compatible_with(labels.shape):
        raise ValueError(f"Shapes {predictions.shape} and {labels.shape} are incompatible")
    if weights is not None:
        weights = convert_to_tensor(weights)
        if weights.shape.rank is None and predictions.shape.rank is not None:
            weights = _of_rank(weights, predictions.shape.rank)
        weights = _squeezed(weights, predictions)
        if weights.shape.rank and weights.shape.rank + 1 == predictions.shape.rank:
            weights = raw.ExpandDims(input=weights, axis=-1)
    return predictions, labels, weights


def _of_rank(weights: Any, rank: int) -> Any:
    """Return weights of dynamic rank without an extra last axis, or with a missing one added."""

    def differs(by: int) -> Any:
        return raw.Equal(x=raw.Rank(input=weights), y=np.int32(rank + by))

    return cond(
        differs(1),
        lambda: raw.Squeeze(input=weights, axis=[-1]),
        lambda: cond(differs(-1), lambda: raw.ExpandDims(input=weights, axis=-1), lambda: weights),
    )


def _squeezed(one: Any, other: Any) -> Any:
    if one.shape.rank is None or other.shape.rank is None:
        return one
    if one.shape.rank == other.shape.rank + 1 and one.shape[-1] in (None, 1):
        return raw.Squeeze(input=one, axis=[-1])
    return one
