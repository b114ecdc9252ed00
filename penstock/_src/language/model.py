"""`tf.language.load`: a language model from somebody's file, which goes on with texts and answers messages."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language import files
from penstock._src.language.architecture import Activations, Architecture, CacheType, default_length
from penstock._src.language.files import LanguageFiles
from penstock._src.language.grammar import Grammar, Matcher, Matchers
from penstock._src.language.held_text import Followed, HeldText
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.network.needs import needs
from penstock._src.language.network.program import Program
from penstock._src.language.sampling import Options, Sampling, takes_options
from penstock._src.language.text.stream import TextStream
from penstock._src.language.text.templates import Template
from penstock._src.language.text.tokenizers import Tokenizer
from penstock._src.language.tuning import adapters
from penstock._src.language.tuning.files import StoredAdapters, read
from penstock._src.language.tuning.lora import Lora
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import load as load_weights
from penstock._src.util.export import export
from penstock._src.util.process import collector, heap

# While a native call takes less, the next one chooses twice as many tokens: others wait for it, and no signal ends it.
_SECONDS = 0.05
_LESS = 'A smaller `length`, or `cache="float16"` or "int8", takes less.'
Prompt = str | Sequence[int]
Messages = str | Sequence[Mapping[str, Any]]


@export("language.LanguageModel", v1=[])
class LanguageModel:
    """A language model, made by `tf.language.load`. Several threads may use it; it computes one token at a time.

    Args:
      about: what the files say; programs call `tf.language.load` instead.
      program: the functions over the cache.
      length: tokens of a text that there is room for.

    Attributes:
      architecture: extents and choices of the model, as `layers`, `width`, `heads`, `vocabulary`, `context`.
      length: tokens of a text that there is room for, with its prompt.
      stop_tokens: that end a text.
      tokenizer: has `encode(text)` and `decode(tokens)`; None if the model's files have no tokenizer.

    >>> model = tf.language.load("tiny.gguf")  # doctest: +SKIP
    >>> model.generate("Once upon a time", max_tokens=20)  # doctest: +SKIP
    """

    def __init__(self, about: LanguageFiles, program: Program, length: int) -> None:
        self._files, self._program, self.length = about.without_weights(), program, length
        self.architecture: Architecture = about.architecture
        self.stop_tokens = about.stop_tokens
        self.tokenizer: Tokenizer | None = self._files.tokenizer()
        self._template: Template | None = None
        self._matchers: Matchers | None = None
        self._has_lora = False
        self._lock = threading.Lock()
        self._held = HeldText(program, length)
        # The text that it is of.
        self._owner: object | None = None

    @takes_options
    def generate(self, prompt: Prompt, **options: Any) -> str:
        """Returns the text that follows a prompt.

        Args:
          prompt: a text, or tokens.
          **options: those of `Options`.

        Returns:
          The text, without what ended it.

        Raises:
          InvalidArgumentError: an option is out of range, or the prompt is empty or too long.
          ImportError: a form is asked for, and the package llguidance is not installed.
        """
        chosen = Options(**options)
        tokens, form = self._tokens_of(prompt), chosen.form()
        return "".join(self._pieces(tokens, chosen, form, ahead=True))

    @takes_options
    def stream(self, prompt: Prompt, **options: Any) -> Iterator[str]:
        """Returns an iterator of the pieces of the text that follows a prompt, as they come; see `generate`.

        Args:
          prompt: a text, or tokens.
          **options: those of `Options`.

        Returns:
          An iterator of texts, which joined are what `generate` returns.

        Raises:
          InvalidArgumentError: an option is out of range, or the prompt is empty or too long.
          ImportError: a form is asked for, and the package llguidance is not installed.
        """
        chosen = Options(**options)
        return self._pieces(self._tokens_of(prompt), chosen, chosen.form())

    @takes_options
    def chat(self, messages: Messages, **options: Any) -> str:
        """Returns the answer to a conversation, by the template that the model came with.

        Args:
          messages: a text, or `{"role": "user", "content": ...}` and so on; roles are those of the template, mostly system, user and assistant.
          **options: those of `Options`.

        Returns:
          The text of the answer.

        Raises:
          InvalidArgumentError: the model does not chat, or refuses the messages.
        """
        return self.generate(self.prompt_of(messages), **options)

    def prompt_of(self, messages: Messages) -> list[int]:
        """Returns the tokens of the prompt by which the model answers a conversation.

        Args:
          messages: a text, or `{"role": ..., "content": ...}` and so on.

        Returns:
          A list of integers.

        Raises:
          InvalidArgumentError: the model does not chat, or refuses the messages.
        """
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        if self._template is None:
            self._template = self._files.template()
        return self._needed().encode_parts(self._template.parts(messages), is_whole=True)

    def enable_lora(
        self,
        rank: int = 8,
        *,
        alpha: float | None = None,
        targets: Sequence[str] = ("query", "value"),
        seed: int | None = None,
        recompute: bool = False,
    ) -> Lora:
        """Puts low-rank adapters beside matrices of all layers, which stay as they are, packed or not; the model computes with them from now on.

        Args:
          rank: of the adapters; more learn more, and take more memory.
          alpha: what they add is multiplied by `alpha / rank`; None for the rank.
          targets: names of matrices: query, key, value, attention_output, gate, up, down.
          seed: of the numbers that they begin with; None for any.
          recompute: whether gradients compute each layer again, which takes a third more time, rather than keep what it gave, which takes memory.

        Returns:
          A `tf.language.Lora`, which trains, writes and reads them.

        Raises:
          InvalidArgumentError: an option is out of range, or the model has adapters.
        """
        return self._with_adapters(rank, alpha, targets, seed, recompute)

    def load_lora(self, path: str, *, recompute: bool = False) -> Lora:
        """Puts adapters beside matrices, as `enable_lora`, with the values of a folder of `Lora.save` or of Hugging Face's PEFT.

        Args:
          path: the folder.
          recompute: as of `enable_lora`.

        Returns:
          A `tf.language.Lora`.

        Raises:
          NotFoundError: a file is missing.
          DataLossError: one is damaged.
          InvalidArgumentError: its adapters do not fit the model, or this has adapters.
          UnimplementedError: they are of another kind.
        """
        stored = read(str(path), self.architecture.family)
        rank, alpha, targets = stored.rank, stored.alpha, stored.targets()
        return self._with_adapters(rank, alpha, targets, None, recompute, stored)

    def _with_adapters(
        self,
        rank: int,
        alpha: float | None,
        targets: Sequence[str],
        seed: int | None,
        recompute: bool,
        stored: StoredAdapters | None = None,
    ) -> Lora:
        """Puts adapters beside matrices, with stored values if there are any; the model stays as it is if these do not fit."""
        if self._has_lora:
            raise InvalidArgumentError("enable_lora: the model has adapters already.")
        if rank < 1:
            raise InvalidArgumentError(f"rank: expected at least 1. Received {rank}.")
        decoder = self._program.decoder
        places = adapters.places_of(decoder.weights.layers, targets)
        scale = 1.0 if alpha is None else alpha / rank
        drawn = adapters.drawn(decoder.weights.layers, places, rank, scale, seed)
        if stored is not None:
            stored.assign(drawn)
        adapted = adapters.adapted(decoder, drawn)
        with self._lock:
            self._program, self._has_lora = self._program.over(adapted), True
            self._held, self._owner = HeldText(self._program, self.length), None
        end = min(self.stop_tokens, default=None)
        return Lora(
            adapted, drawn, self._known_tokens_of, end, self.length, self._forget, recompute
        )

    def _known_tokens_of(self, text: Prompt) -> list[int]:
        tokens = list(self._tokens_of(text))
        return self._known(np.asarray(tokens, np.int64)).tolist() if tokens else []

    def _forget(self) -> None:
        """Recomputes the next prompt: the model has changed."""
        with self._lock:
            self._held, self._owner = HeldText(self._program, self.length), None

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """Returns the logits after each token of a text, float32 `[tokens, vocabulary]`.

        Args:
          tokens: of the text.

        Returns:
          A NumPy array.

        Raises:
          InvalidArgumentError: a token is not one of the model's.
        """
        checked = self._checked(tokens)
        return self._program.whole(checked)["logits"].numpy()

    def tokens(
        self,
        prompt: Prompt,
        sampling: Sampling,
        max_tokens: int,
        form: Grammar | None = None,
        *,
        ahead: bool = False,
    ) -> Iterator[int]:
        """Returns an iterator of the tokens that follow a prompt, up to one that ends the text.

        Args:
          prompt: a text, or tokens.
          sampling: how tokens are chosen.
          max_tokens: that are generated at most.
          form: that the text is to have; None for any.
          ahead: whether tokens are chosen before they are asked for, several by one native call that takes about 0.1 seconds at most; not those of a form.

        Returns:
          An iterator of integers.

        Raises:
          InvalidArgumentError: the prompt is empty or too long.
        """
        prompt_tokens = self._checked(self._tokens_of(prompt))
        if max_tokens < 1:
            raise InvalidArgumentError(f"max_tokens: expected at least 1. Received {max_tokens}.")
        sampling.check_tokens(self.architecture.vocabulary)
        text = Followed(prompt_tokens, self.length, sampling, self.stop_tokens)
        if form is None:
            return self._followed(text, max_tokens, ahead)
        return self._formed(text, max_tokens, self._matcher(form))

    def _followed(self, text: Followed, max_tokens: int, ahead: bool) -> Iterator[int]:
        """Yields tokens that native calls choose."""
        owner, count = object(), 1
        with self._lock:
            logits, self._owner = self._held.begin(text.tokens), owner
        tokens = [text.sampler.choose(logits, text.tokens)]
        text.take(tokens[0])
        while True:
            for token in tokens:
                if token in self.stop_tokens:
                    return
                yield token
            room = min(max_tokens - len(text.chosen), self.length - text.known + 1)
            if room < 1:
                return
            with self._lock:
                self._hold(text, owner)
                began = time.monotonic()
                tokens = self._held.follow(text, min(count, room))
            if ahead and time.monotonic() - began < _SECONDS:
                count = 2 * len(tokens)

    def _formed(self, text: Followed, max_tokens: int, matcher: Matcher) -> Iterator[int]:
        """Yields tokens of a text of a form, which Python chooses."""
        owner = object()
        with self._lock:
            logits, self._owner = self._held.begin(text.tokens), owner
        prompt = text.tokens
        while True:
            token = text.sampler.choose(logits, prompt, text.chosen, allowed=matcher.allowed())
            if token in self.stop_tokens:
                return
            text.take(token)
            yield token
            matcher.take(token)
            if matcher.is_complete or len(text.chosen) >= max_tokens or text.known > self.length:
                return
            with self._lock:
                self._hold(text, owner)
                logits = self._held.decode(token, text.known - 1)

    def _hold(self, text: Followed, owner: object) -> None:
        """Makes the cache hold a text but for its last token, if another one was begun since."""
        if self._owner is not owner:
            self._held.begin(text.tokens[:-1])
            self._owner = owner

    def _pieces(
        self, prompt: Sequence[int], options: Options, form: Grammar | None, ahead: bool = False
    ) -> Iterator[str]:
        stop = options.stop
        stream = TextStream(self._needed(), (stop,) if isinstance(stop, str) else stop)
        ahead = ahead and not stop
        tokens = self.tokens(prompt, options, options.max_tokens, form, ahead=ahead)
        stream.follow(prompt)
        for token in tokens:
            text = stream.push([token])
            if text:
                yield text
            if stream.is_stopped:
                return
        rest = stream.finish()
        if rest:
            yield rest

    def _matcher(self, form: Grammar) -> Matcher:
        if self._matchers is None:
            known = self.architecture.vocabulary
            self._matchers = Matchers(self._needed(), known, self.stop_tokens)
        return self._matchers.matcher(form)

    def _needed(self) -> Tokenizer:
        if self.tokenizer is None:
            raise InvalidArgumentError(
                f"{self._files.path}: the model has no tokenizer: use `tokens`, which takes and gives tokens."
            )
        return self.tokenizer

    def _tokens_of(self, prompt: Prompt) -> Sequence[int]:
        return self._needed().encode(prompt) if isinstance(prompt, str) else prompt

    def _checked(self, tokens: Sequence[int]) -> np.ndarray:
        array = np.asarray(tokens)
        if array.ndim != 1 or not 1 <= len(array) <= self.length or array.dtype.kind not in "iu":
            raise InvalidArgumentError(
                f"The prompt must have 1 to {self.length} tokens, integers. Received {array.dtype} {list(array.shape)}."
            )
        return self._known(array)

    def _known(self, tokens: np.ndarray) -> np.ndarray:
        known = self.architecture.vocabulary
        if tokens.min() < 0 or tokens.max() >= known:
            wrong = tokens[(tokens < 0) | (tokens >= known)][0]
            raise InvalidArgumentError(
                f"The prompt has the token {wrong}. The model knows tokens from 0 to {known - 1}."
            )
        return tokens.astype(np.int32)


@export("language.load", v1=[])
def load(
    path: str | os.PathLike[str],
    *,
    length: int | None = None,
    packed: bool = True,
    activations: Activations = "float32",
    cache: CacheType = "float32",
) -> LanguageModel:
    """Returns the language model in a GGUF file or a Hugging Face folder.

    Weights are those of the file, which is mapped into memory: packed ones stay packed, and are unpacked where they are multiplied by.

    Args:
      path: a `.gguf` file; or a folder with `config.json`, safetensors and `tokenizer.json`.
      length: tokens of a text that there is room for, with its prompt; by default as many as the model was made for, at most 4096.
      packed: False: packed weights are unpacked to float32 when they are loaded, which takes up to eight times the memory.
      activations: what packed weights are multiplied by: "float32" as it is; "int8" rounded, 32 neighbors by a scale of theirs, which is faster and the
        way of llama.cpp: a number is off by at most 1/254 of the largest of its 32 (prompts of at least 64 tokens are rounded to bfloat16 where the
        processor has AMX: faster there, and more exact); "bfloat16" rounded to that, as are the unpacked weights, by at
        most 1/512 of a number: prompts are faster where the processor multiplies pairs of bfloat16. With AMX, both round
        attention of such prompts to bfloat16 as well.
      cache: the type in which keys and values of tokens are kept: "float32"; "float16", which takes half the memory; or "int8", which takes little more than
        a quarter: a number is off by at most 1/254 of the largest of its head's numbers.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: one is damaged.
      UnimplementedError: the model is of a kind that is not implemented.
      ResourceExhaustedError: there is less memory than `tf.language.memory` says.

    Returns:
      A `tf.language.LanguageModel`.

    >>> model = tf.language.load("tiny.gguf", length=2048)  # doctest: +SKIP
    >>> model.chat("What is gravity?")  # doctest: +SKIP
    """
    with collector.paused():
        about, program, room = assemble(str(path), length, packed, activations, cache)
        model = LanguageModel(about, program, room)
    del about
    heap.give_back()  # memory that building the tokenizer used
    return model


def assemble(
    path: str,
    length: int | None,
    packed: bool,
    activations: Activations = "float32",
    cache: CacheType = "float32",
    sequences: int = 1,
) -> tuple[LanguageFiles, Program, int]:
    """Returns a model's files, its functions, and the tokens of a text that there is room for.

    Args:
      path: the file or folder.
      length: tokens of a text; None for as many as the model was made for, at most 4096.
      packed: whether packed weights stay packed.
      activations: what these are multiplied by.
      cache: the type of keys and values.
      sequences: that are generated at the same time.

    Raises:
      InvalidArgumentError: an option is out of range, or positions are learned, and there are fewer.
      ResourceExhaustedError: there is less memory than that takes.
    """
    if length is not None and length < 1:
        raise InvalidArgumentError(f"length: expected at least 1. Received {length}.")
    options = (("activations", activations, Activations), ("cache", cache, CacheType))
    for name, value, known in options:
        if value not in get_args(known):
            expected = " or ".join(get_args(known))
            raise InvalidArgumentError(f"{name}: expected {expected}. Received {value!r}.")
    about = files.read(path, length or 0)
    architecture = about.architecture
    if not architecture.is_causal:
        raise InvalidArgumentError(
            f"{path}: the model is an encoder, which goes on with no text: use tf.language.load_encoder."
        )
    room = default_length(architecture.context) if length is None else length
    if not architecture.ropes and room > architecture.context:
        raise InvalidArgumentError(
            f"length: {path} has positions for {architecture.context} tokens. Received {room}."
        )
    memory = needs(about, room, sequences, packed, cache)
    memory.require(f"{path}: a cache for {sequences} x {room} tokens", _LESS)
    finder = Finder(about.weights, architecture.family, about.is_gguf, packed, activations)
    decoder = Decoder(architecture, load_weights(finder, architecture))
    return about, Program(decoder, room, dtypes.as_dtype(cache)), room
