"""Steps of optimizers, and gradients of graphs."""

from typing import Any

from penstock._src.api.gradients import gradients
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

_TRAINING = "ai.onnx.preview.training"


def _scaled(value: float, x: Any) -> Any:
    return raw.Mul(t.like(value, x), x)


def _parts(inputs: tuple[Any, ...], count: int) -> list[tuple[Any, ...]]:
    """Inputs that come in groups of `count`: for each variable one of every group."""
    if len(inputs) % count:
        raise InvalidArgumentError(f"{len(inputs)} inputs do not form groups of {count}.")
    size = len(inputs) // count
    return list(zip(*(inputs[k * size : (k + 1) * size] for k in range(count))))


def _by_group(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(value for group in zip(*rows) for value in group)


@reads("Gradient", domain=_TRAINING)
def _gradient(n: Node, *inputs: Any) -> Any:
    """The gradient of a value of the graph by the first inputs; the others are its further dependencies."""
    count = len(n.attr("xs"))
    slopes = gradients(n.translation.scope[n.attr("y")], list(inputs[:count]))
    return tuple(raw.ZerosLike(x) if g is None else g for g, x in zip(slopes, inputs))


@reads("Momentum", domain=_TRAINING)
def _momentum(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    alpha, beta, decay = n.attr("alpha"), n.attr("beta"), n.attr("norm_coefficient")
    nesterov = n.attr("mode") == "nesterov"
    first = raw.Equal(step, t.like(0, step))
    rows = []
    for x, g, v in _parts(inputs, 3):
        g = raw.AddV2(_scaled(decay, x), g)
        share = raw.SelectV2(first, t.like(1, g), t.like(beta, g))
        v = raw.AddV2(_scaled(alpha, v), raw.Mul(share, g))
        move = raw.AddV2(g, _scaled(alpha, v)) if nesterov else v
        rows.append((raw.Sub(x, raw.Mul(t.cast(rate, x.dtype), move)), v))
    return _by_group(rows)


@reads("Adagrad", domain=_TRAINING)
def _adagrad(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    decay, epsilon = n.attr("norm_coefficient", 0.0), n.attr("epsilon", 0.0)
    slow = _scaled(n.attr("decay_factor", 0.0), t.cast(step, rate.dtype))
    rate = raw.RealDiv(rate, raw.AddV2(t.like(1, rate), slow))
    rows = []
    for x, g, h in _parts(inputs, 3):
        g = raw.AddV2(_scaled(decay, x), g)
        h = raw.AddV2(h, raw.Square(g))
        adapted = raw.AddV2(raw.Sqrt(h), t.like(epsilon, h))
        rows.append((raw.Sub(x, raw.RealDiv(raw.Mul(t.cast(rate, x.dtype), g), adapted)), h))
    return _by_group(rows)


@reads("Adam", domain=_TRAINING)
def _adam(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    alpha, beta = n.attr("alpha", 0.9), n.attr("beta", 0.999)
    before, after = n.attr("norm_coefficient", 0.0), n.attr("norm_coefficient_post", 0.0)
    epsilon = n.attr("epsilon", 0.0)
    time = t.cast(step, rate.dtype)
    bias = raw.RealDiv(
        raw.Sqrt(raw.Sub(t.like(1, rate), raw.Pow(t.like(beta, rate), time))),
        raw.Sub(t.like(1, rate), raw.Pow(t.like(alpha, rate), time)),
    )
    started = raw.Greater(step, t.like(0, step))
    rate = raw.SelectV2(started, raw.Mul(rate, bias), rate)
    rows = []
    for x, g, v, h in _parts(inputs, 4):
        g = raw.AddV2(_scaled(before, x), g)
        v = raw.AddV2(_scaled(alpha, v), _scaled(1 - alpha, g))
        h = raw.AddV2(_scaled(beta, h), _scaled(1 - beta, raw.Square(g)))
        move = raw.RealDiv(v, raw.AddV2(raw.Sqrt(h), t.like(epsilon, h)))
        x = raw.Sub(x, raw.Mul(t.cast(rate, x.dtype), move))
        rows.append((_scaled(1 - after, x), v, h))
    return _by_group(rows)
