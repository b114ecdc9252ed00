"""The functions of a decoder that are compiled, over its cache; one program of each serves all lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.api.array.indexing import gather
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import reshape
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.math.arithmetic import minimum
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.function.function import function
from penstock._src.language.network import choosing
from penstock._src.language.network.cache import Cache, attending_within
from penstock._src.language.network.decoder import Decoder


def _vector(name: str) -> TensorSpec:
    return TensorSpec([None], dtypes.int32, name)


def _scalar(name: str) -> TensorSpec:
    return TensorSpec([], dtypes.int32, name)


class Program(Module):
    """The functions of a generating model: the contract of `penstock serve` (docs/serving.md).

    Args:
      decoder: the model.
      length: tokens of a sequence.
      cache: the type of keys and values that are kept.

    Attributes:
      decoder: the model.
    """

    def __init__(self, decoder: Decoder, length: int, cache: DType = dtypes.float32) -> None:
        super().__init__()
        self.decoder, self._length = decoder, length
        self.cache = Cache(decoder.architecture, cache, decoder.weights.attention_rows)
        # Writes results of `read` into a row starting at `start`; their types are the model's.
        signature = [_scalar("slot"), _scalar("start"), *self.cache.parts]
        self.write = function(self._write, input_signature=signature, autograph=False)

    def over(self, decoder: Decoder) -> Program:
        """Returns the same functions of another decoder, with an empty cache."""
        return Program(decoder, self._length, self.cache.dtype)

    @function(input_signature=[_scalar("slots"), _scalar("length")], autograph=False)
    def reset(self, slots: Any, length: Any) -> dict[str, Any]:
        """Empties the cache."""
        self.cache.reset(slots, length)
        return {"slots": slots}

    @function(input_signature=[_scalar("slot")], autograph=False)
    def clear(self, slot: Any) -> dict[str, Any]:
        """Fills a row of the cache with zeros."""
        self.cache.clear(slot)
        return {"slot": slot}

    @function(
        input_signature=[
            _vector("tokens"),
            _scalar("slot"),
            _scalar("start"),
            _scalar("last"),
            _vector("span"),
        ],
        autograph=False,
    )
    def prefill(self, tokens: Any, slot: Any, start: Any, last: Any, span: Any) -> dict[str, Any]:
        """Computes a piece of a prompt; returns the logits after one of its tokens."""
        at = minimum(start + numbers(shape_of(tokens)[0]), self._length - 1)
        attend = self.cache.attending_slot(slot, at[None], span)
        values = self.decoder.values(tokens[None], at[None], attend)
        return {"logits": self.decoder.logits(values[0, last][None])[0]}

    @function(
        input_signature=[_vector("tokens"), _scalar("slot"), _scalar("start"), _vector("span")],
        autograph=False,
    )
    def score(self, tokens: Any, slot: Any, start: Any, span: Any) -> dict[str, Any]:
        """Computes a piece of a prompt; returns the logits after each of its tokens."""
        at = minimum(start + numbers(shape_of(tokens)[0]), self._length - 1)
        attend = self.cache.attending_slot(slot, at[None], span)
        values = self.decoder.values(tokens[None], at[None], attend)
        return {"logits": self.decoder.logits(values[0])}

    @function(input_signature=[_scalar("slot"), _vector("places")], autograph=False)
    def read(self, slot: Any, places: Any) -> dict[str, Any]:
        """Returns the cache's content for positions of a row."""
        return self.cache.read(slot, places)

    def _write(self, slot: Any, start: Any, *parts: Any) -> dict[str, Any]:
        self.cache.write(slot, start, parts)
        return {"slot": slot}

    @function(
        input_signature=[_vector("tokens"), _vector("positions"), _vector("span")],
        autograph=False,
    )
    def decode(self, tokens: Any, positions: Any, span: Any) -> dict[str, Any]:
        """Computes a token of each of the first rows."""
        return {"logits": self._decoded(tokens, positions, span)}

    def _decoded(self, tokens: Any, positions: Any, span: Any) -> Any:
        attend = self.cache.attending_rows(positions[:, None], span)
        values = self.decoder.values(tokens[:, None], positions[:, None], attend)
        return self.decoder.logits(values)[
            :, 0
        ]  # a row each: what others decode does not change a product

    @function(
        input_signature=[
            _scalar("place"),
            _scalar("count"),
            _vector("span"),
            _vector("seen"),
            _scalar("prompt"),
            _vector("stops"),
            TensorSpec([None], dtypes.float64, "draws"),
            *choosing.SPECS,
        ],
        autograph=False,
    )
    def follow(
        self,
        place: Any,
        count: Any,
        span: Any,
        seen: Any,
        prompt: Any,
        stops: Any,
        draws: Any,
        *options: Any,
    ) -> dict[str, Any]:
        """Computes and chooses some tokens of the first row, up to one that ends the text.

        Args:
          place: of the last token that is there; its keys and values are computed first.
          count: how many tokens are chosen at most.
          span: the places that are looked at by all of them.
          seen: the tokens of the sequence by their places, then -1.
          prompt: how many of them are the prompt's.
          stops: tokens that end the text.
          draws: random numbers from 0 to 1, one for each token.
          *options: those of `choosing.SPECS`.

        Returns:
          `seen` with the new tokens, among which `choosing.NOT_FINITE` may be the last one; how many there are.
        """
        chosen_by = choosing.options_of(*options)

        def goes_on(at: Any, seen: Any) -> Any:
            token = seen[place + at]
            is_first = at == 0  # which may be one that ends texts: the prompt's last one
            ended = raw.Any(stops == token, 0) | (token == choosing.NOT_FINITE)
            return (at < count) & (is_first | ~ended)

        def step(at: Any, seen: Any) -> Any:
            position = reshape(place + at, [1])
            logits = self._decoded(gather(seen, position), position, span)[0]
            token = choosing.chosen_token(logits, chosen_by, seen, prompt, draws[at])
            seen = raw.TensorScatterUpdate(seen, (position + 1)[:, None], reshape(token, [1]))
            return at + 1, seen

        steps, seen = while_loop(goes_on, step, (np.int32(0), seen), back_prop=False)
        return {"seen": seen, "count": steps}

    @function(input_signature=[_vector("tokens")], autograph=False)
    def whole(self, tokens: Any) -> dict[str, Any]:
        """Computes the logits after each token of a text, without the cache."""
        at, tokens = numbers(shape_of(tokens)[0])[None], tokens[None]
        attend = attending_within(self.decoder.architecture, tokens, at)
        values = self.decoder.values(tokens, at, attend)
        return {"logits": self.decoder.logits(values)[0]}
