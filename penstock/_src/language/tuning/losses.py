"""The loss of next tokens, in pieces: the logits of all tokens of a batch are never in memory together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.array.joining import pad
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import reshape
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.autodiff.custom import custom_gradient
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

# Number of tokens with logits in memory at a time: 128 times a vocabulary of 150,000 are 77 MB.
PIECE = 128


def summed_losses(logits: Callable[[Any], Any], values: Any, labels: Any, counted: Any) -> Any:
    """Returns the sum of the cross-entropies of labels; its gradient to values is computed on the way.

    Each piece's logits are dropped when its loss and gradient are known, so that the gradient of the whole is one multiplication.

    Args:
      logits: from values `[tokens, width]` to logits `[tokens, vocabulary]`.
      values: float32 `[tokens, width]`.
      labels: int32 `[tokens]`.
      counted: the weight of each token's loss, float32 `[tokens]`.

    Returns:
      A float32 scalar.
    """

    @custom_gradient
    def total(values: Any) -> tuple[Any, Callable[[Any], Any]]:
        loss, slopes = _in_pieces(logits, values, labels, counted)
        return loss, lambda upstream: upstream * slopes

    return total(values)


def _in_pieces(
    logits: Callable[[Any], Any], values: Any, labels: Any, counted: Any
) -> tuple[Any, Any]:
    """The sum of losses, and its slopes by values."""
    count = shape_of(values)[0]
    pieces = (count + PIECE - 1) // PIECE
    more = pieces * PIECE - count
    values, labels, counted = (
        pad(values, [[0, more], [0, 0]]),
        pad(labels, [[0, more]]),
        pad(counted, [[0, more]]),
    )
    width = values.shape[-1]
    slopes = TensorArray(dtypes.float32, pieces, element_shape=[PIECE, width])

    def one(piece: Any, total: Any, slopes: Any) -> tuple[Any, Any, Any]:
        at = piece * PIECE + numbers(PIECE)
        part = raw.GatherV2(params=values, indices=at, axis=0)
        wanted, weight = (
            raw.GatherV2(params=each, indices=at, axis=0) for each in (labels, counted)
        )
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(part)
            losses = raw.SparseSoftmaxCrossEntropyWithLogits(features=logits(part), labels=wanted)
            loss = reduce_sum(losses[0] * weight)
        return piece + 1, total + loss, slopes.write(piece, tape.gradient(loss, part))

    first = raw.ZerosLike(x=reduce_sum(counted))
    _, total, slopes = while_loop(
        lambda piece, *_: piece < pieces, one, (numbers(1)[0], first, slopes)
    )
    return total, reshape(slopes.stack(), [-1, width])[:count]
