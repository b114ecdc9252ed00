"""`tf.language.load_encoder`: vectors of texts, by an encoder from somebody's file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.specs import TensorSpec
from penstock._src.filesystems import files as paths
from penstock._src.formats.safetensors.folder import read_object
from penstock._src.function.function import Function, function
from penstock._src.language import files
from penstock._src.language.architecture import Activations, Architecture
from penstock._src.language.files import LanguageFiles
from penstock._src.language.network.cache import attending_all
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.text.tokenizers import Tokenizer
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import load as load_weights
from penstock._src.util.export import export

# Texts that are computed at a time.
_BATCH = 32
_POOLING, _LENGTH = os.path.join("1_Pooling", "config.json"), "sentence_bert_config.json"
# GGUF's pooling types, by number: the reduction of token values to one vector.
_POOLINGS = {1: "mean", 2: "cls"}


class _Program(Module):
    """The function that is compiled: one program for all numbers and lengths of texts."""

    def __init__(self, decoder: Decoder, pooling: str) -> None:
        super().__init__()
        self._decoder, self._pooling = decoder, pooling

    @function(
        input_signature=[
            TensorSpec([None, None], dtypes.int32, "tokens"),
            TensorSpec([None], dtypes.int32, "lengths"),
        ],
        autograph=False,
    )
    def vectors(self, tokens: Any, lengths: Any) -> Any:
        """Returns a vector for each text."""
        extent = shape_of(tokens)[1]
        attend = attending_all(self._decoder.architecture, tokens, lengths)
        values = self._decoder.values(tokens, numbers(extent)[None], attend)
        if self._pooling == "cls":
            return values[:, 0]
        is_token = cast(numbers(extent)[None, :] < lengths[:, None], dtypes.float32)
        return reduce_sum(values * is_token[:, :, None], 1) / cast(lengths, dtypes.float32)[:, None]


@export("language.TextEncoder", v1=[])
class TextEncoder:
    """An encoder of texts, made by `tf.language.load_encoder`.

    Args:
      about: what the files say; programs call `tf.language.load_encoder` instead.
      program: the function that is compiled.
      length: tokens of a text that are looked at.
      pooling: how the values of tokens become one.

    Attributes:
      architecture: extents and choices of the model, as `layers`, `width`, `vocabulary`.
      length: tokens of a text that are looked at; further ones are left out.
      pooling: how the values of tokens become one: "mean", or "cls" for that of the first token.
      tokenizer: has `encode(text)` and `decode(tokens)`.

    >>> encoder = tf.language.load_encoder("all-MiniLM-L6-v2")  # doctest: +SKIP
    >>> a, b = encoder.encode(["A cat sleeps.", "A kitten is asleep."])  # doctest: +SKIP
    """

    def __init__(self, about: LanguageFiles, program: _Program, length: int, pooling: str) -> None:
        self.architecture: Architecture = about.architecture
        self._program, self.length, self.pooling = program, length, pooling
        tokenizer = about.tokenizer()
        if tokenizer is None:
            raise InvalidArgumentError(f"{about.path}: the model has no tokenizer.")
        self.tokenizer: Tokenizer = tokenizer

    @property
    def vectors(self) -> Function:
        """The function that is compiled, of tokens `[texts, most]` and lengths `[texts]`; `encode_tokens` calls it."""
        return self._program.vectors

    def encode(self, texts: str | Sequence[str], normalize: bool = True) -> np.ndarray:
        """Returns vectors of texts, float32 `[texts, width]`, or `[width]` of one text.

        Args:
          texts: one, or several.
          normalize: True: vectors have the length 1, so that products are cosines.

        Returns:
          A NumPy array.

        Raises:
          InvalidArgumentError: a text has no tokens.
        """
        if isinstance(texts, str):
            return self.encode([texts], normalize)[0]
        tokens = [self._cut(self.tokenizer.encode(text)) for text in texts]
        vectors = np.zeros([len(tokens), self.architecture.width], np.float32)
        for chosen in batches([len(each) for each in tokens]):
            vectors[chosen] = self.encode_tokens([tokens[at] for at in chosen], normalize)
        return vectors

    def encode_tokens(self, texts: Sequence[Sequence[int]], normalize: bool = True) -> np.ndarray:
        """Returns vectors of texts that are given as tokens, float32 `[texts, width]`, all computed at once.

        Args:
          texts: of tokens, with those that begin and end a text.
          normalize: True: vectors have the length 1.

        Returns:
          A NumPy array.

        Raises:
          InvalidArgumentError: there is no text, a text has no tokens or too many, or one that the model does not know.
        """
        if not texts:
            raise InvalidArgumentError("texts: expected at least one. Received none.")
        for each in texts:
            if not 1 <= len(each) <= self.length:
                raise InvalidArgumentError(
                    f"texts: expected texts of 1 to {self.length} tokens. Received one of {len(each)}."
                )
        vectors = self._batch(texts)
        if normalize:
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.where(lengths == 0, np.float32(1), lengths)
        return vectors

    def _cut(self, tokens: Sequence[int]) -> Sequence[int]:
        """The tokens of a text, with the last one if some are left out: it ends every text."""
        if not tokens:
            raise InvalidArgumentError("texts: expected texts with tokens. Received an empty text.")
        return tokens if len(tokens) <= self.length else [*tokens[: self.length - 1], tokens[-1]]

    def _batch(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        lengths = np.array([len(each) for each in tokens], np.int32)
        filled = np.zeros([len(tokens), lengths.max()], np.int32)
        for row, each in zip(filled, tokens, strict=True):
            row[: len(each)] = each
        known = self.architecture.vocabulary
        if filled.min() < 0 or filled.max() >= known:
            wrong = filled[(filled < 0) | (filled >= known)][0]
            raise InvalidArgumentError(
                f"A text has the token {wrong}. The model knows tokens from 0 to {known - 1}."
            )
        return self._program.vectors(filled, lengths).numpy()


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yields which texts are computed at once: those of about the same lengths.

    Args:
      lengths: tokens of each text.
    """
    order = sorted(range(len(lengths)), key=lambda at: lengths[at])
    for begin in range(0, len(order), _BATCH):
        yield order[begin : begin + _BATCH]


@export("language.load_encoder", v1=[])
def load_encoder(
    path: str, *, packed: bool = True, activations: Activations = "float32"
) -> TextEncoder:
    """Returns the encoder in a GGUF file or a Hugging Face folder, such as MiniLM or E5.

    Args:
      path: a `.gguf` file; or a folder with `config.json`, safetensors and `tokenizer.json`, and what sentence-transformers add to it.
      packed: False: packed weights are unpacked to float32 when they are loaded.
      activations: what packed weights are multiplied by; see `tf.language.load`.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: one is damaged.
      InvalidArgumentError: the model is a decoder.
      UnimplementedError: the model, or how it makes one vector of several, is of a kind that is not implemented.

    Returns:
      A `tf.language.TextEncoder`.

    >>> encoder = tf.language.load_encoder("all-MiniLM-L6-v2")  # doctest: +SKIP
    >>> encoder.encode("A cat sleeps.").shape  # doctest: +SKIP
    (384,)
    """
    path = str(path)
    about = files.read(path)
    architecture = about.architecture
    if architecture.is_causal:
        raise InvalidArgumentError(f"{path}: the model is a decoder: use tf.language.load.")
    finder = Finder(about.weights, architecture.family, about.is_gguf, packed, activations)
    decoder = Decoder(architecture, load_weights(finder, architecture))
    pooling, length = _pooling(about), architecture.context
    if not about.is_gguf:
        most = _object(path, _LENGTH).get("max_seq_length")
        length = min(length, most) if type(most) is int and most > 1 else length
    return TextEncoder(about, _Program(decoder, pooling), length, pooling)


def _object(folder: str, name: str) -> Mapping[str, Any]:
    path = os.path.join(folder, name)
    return read_object(path) if paths.exists(path) else {}


def _pooling(about: LanguageFiles) -> str:
    """The pooling of token values into one vector: the mean, unless the files define another."""
    facts = about.weights.metadata
    if about.is_gguf:
        pooling = facts.get(f"{about.architecture.family}.pooling_type", 1)
        known = _POOLINGS.get(pooling) if isinstance(pooling, int) else None
    else:
        modes = {k for k, v in _object(about.path, _POOLING).items() if v is True and "mode" in k}
        modes = modes or {"pooling_mode_mean_tokens"}
        named = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
        pooling = sorted(modes)
        known = named.get(pooling[0]) if len(modes) == 1 else None
    if known is None:
        raise UnimplementedError(
            f"{about.path}: pooling: expected 'mean', or 'cls' (the first token). Received {pooling!r}."
        )
    return known
