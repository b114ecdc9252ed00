"""A stage: forward and backward passes of micro-batches, each a compiled function, and the sum of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.function import function

# Called with the tensors that the stage before gives, the targets (of the last stage; else None) and the share of the batch's rows that the
# micro-batch has. Returns the tensors for the following stage, or the predictions, and this stage's part of the loss, or None.
StageCall = Callable[[list[Any], Any, Any], tuple[list[Any], Any]]


@dataclass(frozen=True)
class _Held:
    """Values that a forward pass keeps for the backward pass."""

    tape: GradientTape
    inputs: list[Any]
    outputs: list[Any]
    loss: Any


class Stage:
    """The passes of one step.

    Args:
      call: computes the stage.
      variables: those that are trained; None: those that the first micro-batch reads.
      is_first: True if gradients of the inputs are not needed.

    Attributes:
      most_held: of how many micro-batches activations were held at once.
      loss: the sum of this stage's parts of the loss, of those micro-batches that are done.
    """

    def __init__(self, call: StageCall, variables: Sequence[Any] | None, is_first: bool) -> None:
        self._call, self.variables, self._is_first = call, variables, is_first
        self._held: dict[int, _Held] = {}
        self._sums: list[Any] | None = None
        self.most_held, self.loss = 0, 0.0

    def infer(self, inputs: list[Any], targets: Any, share: float) -> list[Any]:
        """Returns the stage's output for a micro-batch; nothing is kept for a backward pass."""
        outputs, loss = self._call(inputs, targets, convert_to_tensor(share))
        self._add_loss(loss)
        return outputs

    def forward(self, index: int, inputs: list[Any], targets: Any, share: float) -> list[Any]:
        """Returns the stage's output for a micro-batch, and keeps the data for its backward pass."""
        tape = GradientTape()
        with tape:
            if not self._is_first:
                tape.watch([one for one in inputs if is_differentiable(one)])
            outputs, loss = self._call(inputs, targets, convert_to_tensor(share))
        if self.variables is None:
            self.variables = list(tape.watched_variables())
        self._add_loss(loss)
        self._held[index] = _Held(tape, inputs, outputs, loss)
        self.most_held = max(self.most_held, len(self._held))
        return outputs

    def backward(self, index: int, gradients: Sequence[Any]) -> list[Any]:
        """Adds up the gradients of a micro-batch, and returns those of its inputs, None for those that have none.

        Args:
          index: of the micro-batch.
          gradients: those of its outputs, None for those that have none; of the last stage, none at all.
        """
        kept = self._held.pop(index)
        pairs = [
            (output, gradient)
            for output, gradient in zip(kept.outputs, gradients)
            if gradient is not None
        ]
        if kept.loss is not None:
            pairs.append((kept.loss, raw.OnesLike(x=kept.loss)))
        watched = [] if self._is_first else [one for one in kept.inputs if is_differentiable(one)]
        computed = kept.tape.gradient(
            [output for output, _ in pairs],
            [*watched, *(self.variables or ())],
            output_gradients=[gradient for _, gradient in pairs],
        )
        self._add(computed[len(watched) :])
        input_gradients = iter(computed[: len(watched)])
        return [
            next(input_gradients) if is_differentiable(one) and not self._is_first else None
            for one in kept.inputs
        ]

    def gradients(self) -> list[Any]:
        """Returns the sums of the gradients of all micro-batches, None for variables without any."""
        sums = self._sums or [None] * len(self.variables or ())
        return [_joined(one) if isinstance(one, list) else one for one in sums]

    def _add(self, gradients: Sequence[Any]) -> None:
        if self._sums is None:
            self._sums = [[one] if isinstance(one, IndexedSlices) else one for one in gradients]
            return
        dense = []
        for at, one in enumerate(gradients):
            if isinstance(one, IndexedSlices):
                self._sums[at].append(one)
            elif one is not None:
                dense.append(at)
        totals = _added([self._sums[at] for at in dense], [gradients[at] for at in dense])
        for at, total in zip(dense, totals):
            self._sums[at] = total

    def _add_loss(self, loss: Any) -> None:
        if loss is not None:
            self.loss += float(loss.numpy())


@function(autograph=False)
def _added(first: list[Any], second: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(first, second)]


def is_differentiable(tensor: Any) -> bool:
    """True if a tensor that passes between stages has a gradient."""
    return isinstance(tensor, EagerTensor) and tensor.dtype.is_floating


def _joined(slices: Sequence[IndexedSlices]) -> IndexedSlices:
    """The slices of all micro-batches."""
    values = raw.ConcatV2(values=[one.values for one in slices], axis=0)
    indices = raw.ConcatV2(values=[one.indices for one in slices], axis=0)
    return IndexedSlices(values, indices, slices[0].dense_shape)
