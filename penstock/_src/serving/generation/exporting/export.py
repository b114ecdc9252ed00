"""Writes a model that generates."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import reshape
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.math.arithmetic import minimum
from penstock._src.api.math.elementwise import cast
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.filesystems import files
from penstock._src.function.function import function
from penstock._src.saving.saved_model.save import save
from penstock._src.serving.generation.exporting.cache import Attend, Cache, attending_within
from penstock._src.serving.generation.exporting.keras_attention import attending, attention_layers
from penstock._src.serving.servables import generation as contract
from penstock._src.serving.servables.generation import Generation
from penstock._src.util.export import export
from penstock._src.util.process.progress import Progress

# Tokens that the exported functions are compared on.
_COMPARED = 12
CHARACTERS = "characters.json"
TOKENIZER = "tokenizer.json"


@export("serving.export_generator", v1=[])
def export_generator(
    model: Any,
    path: str,
    *,
    length: int,
    slots: int = 16,
    chunk: int = 64,
    stop_tokens: Sequence[int] = (),
    tokenizer: str | Sequence[str] | None = None,
    chat: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Writes a SavedModel that `penstock serve` generates tokens with.

    The functions that are written are compared with the model itself on some random tokens before.

    Args:
      model: a Keras model from tokens `[n, t]`, or from a list of tokens and their positions, both of this shape, to logits `[n, t, vocabulary]`. Tokens
        look at each other only in layers MultiHeadAttention or GroupQueryAttention, called with `use_causal_mask=True` on one tensor. Or a tf.Module that is
        called with tokens, positions and `attend`, a function of queries, keys and values `[n, t, heads, size]`, which it calls for each
        of its causal attentions in their order.
      path: the folder of the version.
      length: the most tokens of a sequence, with its prompt.
      slots: sequences that are generated at a time.
      chunk: tokens of a prompt that are computed at once.
      stop_tokens: that end a sequence.
      tokenizer: the path of a file of the library `tokenizers`; or a list of the characters that the tokens 0, 1, ... stand for; None if requests are to
        give tokens.
      chat: {role: (text before a message, text after it)}, with the role "assistant", if the model chats.

    Raises:
      InvalidArgumentError: the model is of another kind, or the functions give other logits than it does.
      NotFoundError: there is no such file of a tokenizer.

    >>> import keras
    >>> tokens = keras.Input([None], dtype="int32")
    >>> x = keras.layers.Embedding(10, 8)(tokens)
    >>> x = x + keras.layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    >>> model = keras.Model(tokens, keras.layers.Dense(10)(x))
    >>> tf.serving.export_generator(model, "served/digits/1", length=32, tokenizer=list("0123456789"))
    """
    text = None if tokenizer is None else _tokenizer_file(tokenizer)
    what = f"exporting a generator to {path}"
    with Progress(f"{what}: tracing its functions") as progress:
        step = _step_of(model)
        program = _Program(model, step, length)
        vocabulary = program.vocabulary
        about = Generation(
            slots=slots,
            length=length,
            vocabulary=vocabulary,
            bytes_per_place=program.cache.bytes_per_place,
            chunk=chunk,
            stop_tokens=tuple(stop_tokens),
            tokenizer=_tokenizer_name(tokenizer),
            chat=dict(chat or {}),
        )
        progress.done(1, 3, f"{what}: comparing its functions with the model")
        _compare(program, step, about)
        progress.done(2, 3, f"{what}: writing")
        program.reset(0, 0)  # zeros need not be written
        contract.write(path, about)
        if text is not None:
            files.write(os.path.join(path, contract.FOLDER, about.tokenizer), text)
        names = (*contract.INPUTS, contract.READ, contract.WRITE, contract.SCORE)
        save(program, path, {name: getattr(program, name) for name in names})


# (tokens and positions `[n, t]`, attention) -> logits `[n, t, vocabulary]`.
_Step = Callable[[Any, Any, Attend], Any]


def _step_of(model: Any) -> _Step:
    if not hasattr(model, "_flatten_layers"):
        return model
    attention_layers(model)

    def step(tokens: Any, positions: Any, attend: Attend) -> Any:
        arguments = [tokens, positions] if _takes_positions(model) else tokens
        with attending(model, attend):
            return model(arguments, training=False)

    return step


def _takes_positions(model: Any) -> bool:
    return len(getattr(model, "inputs", None) or [None]) == 2


class _Program(Module):
    """The functions of a model that generates, and its cache."""

    def __init__(self, model: Any, step: _Step, length: int) -> None:
        super().__init__()
        self.model, self.cache, self._step = model, Cache(), step
        one = np.zeros([1, 1], np.int32)
        logits = step(one, one, self.cache.add)
        if len(logits.shape) != 3 or logits.shape[:2] != (1, 1):
            raise InvalidArgumentError(
                f"Expected logits [1, 1, vocabulary] for tokens [1, 1]. Received the shape {logits.shape}."
            )
        self.vocabulary = int(logits.shape[-1])
        self._last = length - 1
        at = [TensorSpec([], dtypes.int32, name) for name in contract.WRITE_INPUTS]
        signature = [*at, *self.cache.parts.values()]
        self.write = function(self._write, input_signature=signature, autograph=False)

    def _logits(self, tokens: Any, positions: Any, attend: Attend) -> Any:
        return cast(self._step(tokens, positions, attend), dtypes.float32)

    @function(
        input_signature=[
            TensorSpec([], dtypes.int32, name) for name in contract.INPUTS[contract.RESET]
        ],
        autograph=False,
    )
    def reset(self, slots: Any, length: Any) -> dict[str, Any]:
        """Empties the cache."""
        self.cache.reset(slots, length)
        return {"slots": slots}

    @function(input_signature=[TensorSpec([], dtypes.int32, "slot")], autograph=False)
    def clear(self, slot: Any) -> dict[str, Any]:
        """Fills a row of the cache with zeros."""
        self.cache.clear(slot)
        return {"slot": slot}

    @function(
        input_signature=[
            TensorSpec([], dtypes.int32, "slot"),
            TensorSpec([None], dtypes.int32, "places"),
        ],
        autograph=False,
    )
    def read(self, slot: Any, places: Any) -> dict[str, Any]:
        """Returns the cache's content for positions of a row."""
        return self.cache.read(slot, places)

    def _write(self, slot: Any, start: Any, *parts: Any) -> dict[str, Any]:
        self.cache.write(slot, start, parts)
        return {"slot": slot}

    @function(
        input_signature=[
            TensorSpec([None], dtypes.int32, "tokens"),
            TensorSpec([], dtypes.int32, "slot"),
            TensorSpec([], dtypes.int32, "start"),
            TensorSpec([], dtypes.int32, "last"),
            TensorSpec([None], dtypes.int32, "span"),
        ],
        autograph=False,
    )
    def prefill(self, tokens: Any, slot: Any, start: Any, last: Any, span: Any) -> dict[str, Any]:
        """Computes a piece of a prompt."""
        at = minimum(start + numbers(shape_of(tokens)[0]), self._last)
        attend = self.cache.attending_slot(slot, at[None], span)
        return {contract.LOGITS: self._logits(tokens[None], at[None], attend)[0, last]}

    @function(
        input_signature=[
            TensorSpec([None], dtypes.int32, "tokens"),
            TensorSpec([], dtypes.int32, "slot"),
            TensorSpec([], dtypes.int32, "start"),
            TensorSpec([None], dtypes.int32, "span"),
        ],
        autograph=False,
    )
    def score(self, tokens: Any, slot: Any, start: Any, span: Any) -> dict[str, Any]:
        """Computes a piece of a prompt; returns the logits after each of its tokens."""
        at = minimum(start + numbers(shape_of(tokens)[0]), self._last)
        attend = self.cache.attending_slot(slot, at[None], span)
        return {contract.LOGITS: self._logits(tokens[None], at[None], attend)[0]}

    @function(
        input_signature=[
            TensorSpec([None], dtypes.int32, "tokens"),
            TensorSpec([None], dtypes.int32, "positions"),
            TensorSpec([None], dtypes.int32, "span"),
        ],
        autograph=False,
    )
    def decode(self, tokens: Any, positions: Any, span: Any) -> dict[str, Any]:
        """Computes a token of each of the first rows."""
        attend = self.cache.attending_rows(positions[:, None], span)
        logits = self._logits(tokens[:, None], positions[:, None], attend)
        return {contract.LOGITS: reshape(logits, [-1, self.vocabulary])}


def _compare(program: _Program, step: _Step, about: Generation) -> None:
    """Holds the functions to the model: a prompt in two pieces, then tokens one by one, in the last of several slots.

    Raises:
      InvalidArgumentError: they give other logits.
    """
    count = min(about.length, _COMPARED)
    tokens = np.random.default_rng(0).integers(0, about.vocabulary, count).astype(np.int32)
    places = np.arange(count, dtype=np.int32)
    expected = _whole(program.model, step, tokens[None], places[None])[0]
    slots = min(about.slots, 2)
    program.reset(slots, count)
    outputs = []
    pieces = [piece for piece in (range(count // 4), range(count // 4, count // 2)) if piece]
    for piece in pieces:
        part = tokens[piece.start : piece.stop]
        results = program.prefill(part, slots - 1, piece.start, len(piece) - 1, places)
        outputs.append((piece.stop - 1, results[contract.LOGITS]))
    for at in range(pieces[-1].stop if pieces else 0, count):
        row, position = np.full(slots, tokens[at]), np.full(slots, at, np.int32)
        results = program.decode(row, position, places)
        outputs.append((at, results[contract.LOGITS][slots - 1]))
    scale = float(np.abs(expected).max())
    for at, logits in outputs:
        error = float(np.abs(np.asarray(logits) - expected[at]).max())
        if not error <= 1e-2 * scale:
            raise InvalidArgumentError(
                f"The cached functions give other logits than the model: they differ by {error:.3g} of {scale:.3g} at token {at}. Tokens of the model look at "
                "each other in another way than by causal attention of its layers."
            )


def _whole(model: Any, step: _Step, tokens: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The logits of the model itself, for whole sequences."""
    if not hasattr(model, "_flatten_layers"):
        return np.asarray(step(tokens, places, attending_within()), np.float32)
    arguments = [tokens, places] if _takes_positions(model) else tokens
    return np.asarray(model(arguments, training=False), np.float32)


def _tokenizer_name(tokenizer: Any) -> str:
    if tokenizer is None:
        return ""
    return TOKENIZER if isinstance(tokenizer, str) else CHARACTERS


def _tokenizer_file(tokenizer: Any) -> bytes:
    if _tokenizer_name(tokenizer) == TOKENIZER:
        return files.read(tokenizer)
    return json.dumps(list(tokenizer), ensure_ascii=False).encode()
