"""`LanguageModel.enable_lora`: adapters that are trained on texts, while the weights do not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import reshape
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.module import Module
from penstock._src.autodiff.custom import recompute_grad
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.eager.variable import Variable
from penstock._src.function.function import function
from penstock._src.language.network.cache import attending_within
from penstock._src.language.network.decoder import Decoder, as_it_is
from penstock._src.language.network.memory import Memory, of_training
from penstock._src.language.tuning import files
from penstock._src.language.tuning.adapters import Adapter, Place
from penstock._src.language.tuning.batches import Example, Examples, Text
from penstock._src.language.tuning.losses import PIECE, summed_losses
from penstock._src.util.export import export

_BATCH = [TensorSpec([None, None], dtypes.int32), TensorSpec([None, None], dtypes.float32)]
_FIRST_MOMENT, _SECOND_MOMENT, _EPSILON = 0.9, 0.999, 1e-8


@export("language.Lora", v1=[])
class Lora(Module):
    """Low-rank adapters of a language model, made by `LanguageModel.enable_lora`. The model computes with them.

    Args:
      decoder: the model with its adapters.
      adapters: by layer and name.
      encode: from a text to tokens.
      end: the token that ends a text; None for none.
      length: tokens of a text that there is room for.
      changed: is called when the adapters have changed.
      recompute: whether gradients compute layers again, rather than keep what they gave.

    Attributes:
      trainable_variables: those of the adapters.
      rank: of the adapters.
      scale: of what they add.

    >>> model = tf.language.load("tiny.gguf")  # doctest: +SKIP
    >>> lora = model.enable_lora(rank=8)  # doctest: +SKIP
    >>> lora.fit(["a text", ("a prompt", " and its answer")], epochs=3)  # doctest: +SKIP
    >>> lora.save("adapter")  # doctest: +SKIP
    """

    def __init__(
        self,
        decoder: Decoder,
        adapters: dict[Place, Adapter],
        encode: Callable[[Text], list[int]],
        end: int | None,
        length: int,
        changed: Callable[[], None],
        recompute: bool,
    ) -> None:
        super().__init__()
        self._decoder, self._adapters = decoder, adapters
        self._encode, self._end, self._length, self._changed = encode, end, length, changed
        self._recomputes = recompute
        first = next(iter(adapters.values()))
        self.rank, self.scale = int(first.down.shape[0]), first.scale
        self._variables = [v for a in adapters.values() for v in (a.down, a.up)]
        self._moments = [
            tuple(Variable(np.zeros(v.shape, np.float32), trainable=False) for _ in range(2))
            for v in self._variables
        ]
        self._steps = Variable(np.float32(0), trainable=False)

    def loss(self, tokens: Any, learned: Any) -> Any:
        """Returns the mean cross-entropy of the tokens that are learned, each after those before it.

        Logits are computed in pieces of 128 tokens, with their gradients, so that those of a whole batch are never in memory together.

        Args:
          tokens: int32 `[n, tokens]`.
          learned: float32 `[n, tokens]`, the weight of each token's loss. The first of a row never counts.

        Returns:
          A float32 scalar.
        """
        inputs = tokens[:, :-1]
        positions = numbers(shape_of(inputs)[1])[None]
        attend = attending_within(self._decoder.architecture, inputs, positions)
        around = recompute_grad if self._recomputes else as_it_is
        values = self._decoder.values(inputs, positions, attend, around)
        counted = reshape(learned[:, 1:], [-1])
        labels = reshape(tokens[:, 1:], [-1])
        rows = reshape(values, [-1, values.shape[-1]])
        return summed_losses(self._decoder.logits, rows, labels, counted) / reduce_sum(counted)

    @function(input_signature=_BATCH, autograph=False)
    def evaluate_batch(self, tokens: Any, learned: Any) -> Any:
        """Returns the loss of a batch; see `loss`."""
        return self.loss(tokens, learned)

    @function(input_signature=[*_BATCH, TensorSpec([], dtypes.float32)], autograph=False)
    def train_step(self, tokens: Any, learned: Any, learning_rate: Any) -> Any:
        """Returns the loss of a batch, and takes a step of Adam against it.

        Args:
          tokens: int32 `[n, tokens]`.
          learned: float32 `[n, tokens]`, the weight of each token's loss.
          learning_rate: a float32 scalar.

        Returns:
          A float32 scalar.

        Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization".
        """
        loss, slopes = self._loss_and_slopes(tokens, learned)
        steps = self._steps.assign_add(1.0)
        powers = [raw.Pow(x=np.float32(b), y=steps) for b in (_FIRST_MOMENT, _SECOND_MOMENT)]
        for variable, moments, slope in zip(self._variables, self._moments, slopes, strict=True):
            raw.ResourceApplyAdam(
                var=variable.handle,
                m=moments[0].handle,
                v=moments[1].handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=learning_rate,
                beta1=np.float32(_FIRST_MOMENT),
                beta2=np.float32(_SECOND_MOMENT),
                epsilon=np.float32(_EPSILON),
                grad=slope,
            )
        return loss

    @function(input_signature=_BATCH, autograph=False)
    def gradients(self, tokens: Any, learned: Any) -> Any:
        """Returns the loss of a batch, and its gradients by `trainable_variables`, for an optimizer of one's own."""
        return self._loss_and_slopes(tokens, learned)

    def _loss_and_slopes(self, tokens: Any, learned: Any) -> tuple[Any, list[Any]]:
        with GradientTape() as tape:
            loss = self.loss(tokens, learned)
        return loss, tape.gradient(loss, self._variables)

    def fit(
        self,
        texts: Sequence[Example],
        *,
        epochs: int = 1,
        batch_size: int = 4,
        length: int = 256,
        learning_rate: float = 2e-4,
        optimizer: Any = None,
        seed: int | None = None,
    ) -> list[float]:
        """Trains the adapters on texts.

        Args:
          texts: texts, or lists of tokens, or (prompt, answer), where only the answer is learned.
          epochs: how often all texts are seen.
          batch_size: texts of a step.
          length: tokens of a text that are used at most.
          learning_rate: of Adam, if there is no optimizer.
          optimizer: one with `apply_gradients`, such as Keras's; None for Adam.
          seed: of the order of texts; None for any.

        Returns:
          The mean loss of each epoch.

        Raises:
          InvalidArgumentError: a number is out of range, or a text has less than two tokens.
          ResourceExhaustedError: there is less memory than a step of the longest texts takes.
        """
        for name, value in (("epochs", epochs), ("batch_size", batch_size), ("length", length - 1)):
            if value < 1:
                raise InvalidArgumentError(f"{name}: expected more. Received {value}.")
        examples = self._examples(texts, length)
        together = min(batch_size, len(examples))
        # What is not there yet: of adapters their gradients.
        step_memory = self.memory(together, examples.longest)
        rest = replace(step_memory, adapters=step_memory.adapters // 2, moments=0)
        what = f"fit: a step of {together} texts of {examples.longest} tokens"
        rest.require(what, "A smaller `batch_size` or `length`, or `recompute=True`, takes less.")
        random = np.random.default_rng(seed)
        step = self._step_of(optimizer, learning_rate)
        losses = []
        try:
            for _ in range(epochs):
                batches = examples.batches(batch_size, random)
                losses.append(_mean([(step(*batch), batch[1]) for batch in batches]))
        finally:
            self._changed()
        return losses

    def memory(self, batch_size: int = 4, length: int = 256) -> Memory:
        """Returns the memory of training, in addition to the model's: adapters, moments of Adam, and a step's activations.

        Args:
          batch_size: texts of a step.
          length: tokens of a text.

        Returns:
          A `tf.language.Memory`.

        Raises:
          InvalidArgumentError: a number is out of range.
        """
        for name, value in (("batch_size", batch_size), ("length", length - 1)):
            if value < 1:
                raise InvalidArgumentError(f"{name}: expected more. Received {value}.")
        numbers = sum(int(np.prod(v.shape.as_list())) for v in self._variables)
        return of_training(
            self._decoder.architecture,
            numbers,
            self._decoder.weights.largest_packed,
            batch_size,
            length,
            PIECE,
            self._recomputes,
        )

    def evaluate(
        self, texts: Sequence[Example], *, batch_size: int = 4, length: int = 256
    ) -> float:
        """Returns the mean loss of a token of texts, in nats.

        Args:
          texts: as of `fit`.
          batch_size: texts that are computed together.
          length: tokens of a text that are used at most.

        Raises:
          InvalidArgumentError: a text has less than two tokens.

        Returns:
          A float.
        """
        batches = self._examples(texts, length).batches(batch_size, None)
        return _mean([(self.evaluate_batch(*batch), batch[1]) for batch in batches])

    def save(self, path: str) -> None:
        """Writes the adapters as a folder that `load` and `LanguageModel.load_lora` read, and Hugging Face's PEFT.

        Args:
          path: the folder.
        """
        files.write(str(path), self._decoder.architecture.family, self._adapters)

    def load(self, path: str) -> None:
        """Gives the adapters the values of a folder that `save` wrote, or PEFT.

        Args:
          path: the folder.

        Raises:
          NotFoundError: a file is missing.
          DataLossError: one is damaged.
          InvalidArgumentError: its adapters are of other matrices, ranks or scales.
        """
        files.read(str(path), self._decoder.architecture.family).assign(self._adapters)
        self._changed()

    def _examples(self, texts: Sequence[Example], length: int) -> Examples:
        return Examples(texts, self._encode, min(length, self._length), self._end)

    def _step_of(self, optimizer: Any, learning_rate: float) -> Callable[[Any, Any], Any]:
        if optimizer is None:
            return lambda tokens, learned: self.train_step(tokens, learned, learning_rate)

        def step(tokens: Any, learned: Any) -> Any:
            loss, slopes = self.gradients(tokens, learned)
            optimizer.apply_gradients(zip(slopes, self._variables, strict=True))
            return loss

        return step


def _mean(batches: Sequence[tuple[Any, np.ndarray]]) -> float:
    """The mean of batches' losses, weighted by their numbers of learned tokens."""
    counts = [float(learned[:, 1:].sum()) for _, learned in batches]
    losses = [float(loss) for loss, _ in batches]
    return float(np.average(losses, weights=counts))
