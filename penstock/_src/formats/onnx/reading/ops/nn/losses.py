"""Losses over classes."""

from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.nn.convolution import last
from penstock._src.formats.onnx.reading.registry import Node, reads


@reads("NegativeLogLikelihoodLoss")
def _negative_log_likelihood_loss(n: Node, x: Any, target: Any, weight: Any = None) -> Any:
    return _likelihood_loss(n, x, target, weight)


@reads("SoftmaxCrossEntropyLoss")
def _softmax_cross_entropy_loss(n: Node, x: Any, target: Any, weight: Any = None) -> Any:
    order = [0, *range(2, t.rank(x)), 1]
    logs = t.transpose(raw.LogSoftmax(t.transpose(x, order)), np.argsort(order).tolist())
    return _likelihood_loss(n, logs, target, weight), logs


def _likelihood_loss(n: Node, x: Any, target: Any, weight: Any) -> Any:
    """Minus the entry of the target's class, times its weight; classes are the second dimension of x."""
    reduction, ignored = n.attr("reduction", "mean"), n.attr("ignore_index", None)
    rows = last(x)
    counted = None
    if ignored is not None:
        counted = raw.NotEqual(target, t.like(ignored, target))
        target = raw.SelectV2(counted, target, t.like(0, target))
    likelihoods = raw.GatherV2(rows, target, np.int32(-1), batch_dims=t.rank(target))
    factor = raw.OnesLike(likelihoods) if weight is None else t.batched_gather(weight, target, 0)
    if counted is not None:
        factor = raw.SelectV2(counted, factor, t.like(0, factor))
    loss = raw.Mul(raw.Neg(likelihoods), factor)
    if reduction == "none":
        return loss
    every = np.arange(t.rank(target), dtype=np.int32)
    total = raw.Sum(loss, every)
    if reduction == "sum":
        return total
    if reduction != "mean":
        raise InvalidArgumentError(f"the reduction '{reduction}' is unknown.")
    return raw.RealDiv(total, raw.Sum(factor, every))
