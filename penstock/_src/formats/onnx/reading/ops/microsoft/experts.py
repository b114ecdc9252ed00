"""Mixtures of experts: layers of which each token takes the few that a router's scores are greatest for."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def _gelu(x: Any) -> Any:
    """GELU by a hyperbolic tangent, as ONNX Runtime's experts compute it."""
    cube = raw.Mul(raw.Mul(x, raw.Square(x)), t.like(0.044715, x))
    inner = raw.Mul(raw.AddV2(x, cube), t.like(math.sqrt(2 / math.pi), x))
    return raw.Mul(raw.Mul(x, t.like(0.5, x)), raw.AddV2(raw.Tanh(inner), t.like(1, x)))


_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": raw.Relu,
    "gelu": _gelu,
    "silu": lambda x: raw.Mul(x, raw.Sigmoid(x)),
    "identity": lambda x: x,
}


@reads("MoE", domain=MICROSOFT, optional=(3,))
def _mixture(
    n: Node,
    x: Any,
    router: Any,
    first: Any,
    first_bias: Any,
    second: Any,
    second_bias: Any = None,
    gate: Any = None,
    gate_bias: Any = None,
) -> Any:
    n.only(use_sparse_mixer=0, swiglu_limit_after_activation=0)
    kind = n.attr("activation_type", "relu")
    if gate is not None and (kind != "swiglu" or n.attr("swiglu_fusion", 0)):
        raise UnimplementedError(f"a third product beside the activation '{kind}'.")
    if kind != "swiglu" and kind not in _ACTIVATIONS:
        raise UnimplementedError(f"activation_type={kind} is not supported.")
    count = t.extents(first)[0]
    if not isinstance(count, int):
        raise UnimplementedError("a number of experts that is not known.")
    tokens = t.reshape(x, [-1, t.extents(x)[-1]])
    shares, chosen = _routed(n, router, count)
    weights = [
        _by_expert(w, count) for w in (first, first_bias, second, second_bias, gate, gate_bias)
    ]
    total = raw.ZerosLike(tokens)
    for index in range(count):
        is_chosen = raw.Equal(chosen, t.like(index, chosen))
        share = raw.Sum(raw.SelectV2(is_chosen, shares, t.like(0, shares)), np.int32(1))
        # Only the expert's tokens pass through it; weights of one without tokens are not read.
        total = cond(
            raw.Any(is_chosen, np.array([0, 1], np.int32)),
            partial(_added, n, kind, tokens, is_chosen, share, [w[index] for w in weights], total),
            partial(raw.Identity, total),
        )
    return t.reshape(total, t.extents(x))


def _added(
    n: Node, kind: str, tokens: Any, is_chosen: Any, share: Any, weights: list[Any], total: Any
) -> Any:
    """The sums with an expert's share."""
    at = raw.Where(raw.Any(is_chosen, np.int32(1)))
    rows = raw.Squeeze(at, axis=[1])
    part = _expert(n, kind, t.batched_gather(tokens, rows, 0), weights)
    share = t.expand_dims(t.batched_gather(share, rows, 0), [1])
    return raw.TensorScatterAdd(total, at, raw.Mul(part, t.cast(share, part.dtype)))


def _routed(n: Node, router: Any, count: int) -> tuple[Any, Any]:
    """Shares of the experts that each token takes, and their indices, [tokens, k]."""
    taken = n.attr("k", 1)
    if not 1 <= taken <= count:
        raise InvalidArgumentError(f"MoE: k must be between 1 and {count}. Received: {taken}")
    scores = t.wide(router)
    normalized = n.flag("normalize_routing_weights")
    scores = scores if normalized else raw.Softmax(scores)
    top, chosen = raw.TopKV2(scores, np.int32(taken))
    return raw.Softmax(top) if normalized else top, chosen


def _by_expert(weights: Any, count: int) -> list[Any]:
    """The weights of each expert; None for those that are left out."""
    if weights is None:
        return [None] * count
    known = t.known(weights)
    if known is None:
        return list(raw.Unpack(weights, num=count, axis=0))
    return [t.constant(each, weights.dtype) for each in known]


def _expert(n: Node, kind: str, x: Any, weights: list[Any]) -> Any:
    """The two products of an expert with an activation between them."""
    first, first_bias, second, second_bias, gate, gate_bias = weights
    hidden = _product(x, first, first_bias)
    if kind == "swiglu":
        hidden = _swiglu(n, hidden, None if gate is None else _product(x, gate, gate_bias))
    else:
        hidden = _ACTIVATIONS[kind](hidden)
    return _product(hidden, second, second_bias)


def _product(x: Any, weights: Any, bias: Any) -> Any:
    y = raw.MatMul(x, weights, transpose_b=True)
    return y if bias is None else raw.AddV2(y, bias)


def _swiglu(n: Node, hidden: Any, linear: Any) -> Any:
    """Values times gates: columns that alternate, two halves, or products of their own."""
    fusion = n.attr("swiglu_fusion", 0)
    if fusion == 1:
        gate, linear = (t.slice_along(hidden, 1, i, None, 2) for i in range(2))
    elif fusion == 2:
        gate, linear = raw.Split(np.int32(1), hidden, num_split=2)
    elif linear is not None:
        gate = hidden
    else:
        raise InvalidArgumentError("MoE: swiglu needs its third product, or swiglu_fusion.")
    if n.has("swiglu_limit"):
        limit = n.attr("swiglu_limit", 0.0)
        gate = raw.Minimum(gate, t.like(limit, gate))
        linear = raw.ClipByValue(linear, t.like(-limit, linear), t.like(limit, linear))
    steep = raw.Mul(gate, t.like(n.attr("activation_alpha", 1.0), gate))
    linear = raw.AddV2(linear, t.like(n.attr("activation_beta", 0.0), linear))
    return raw.Mul(raw.Mul(gate, raw.Sigmoid(steep)), linear)
