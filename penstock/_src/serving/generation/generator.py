"""A loaded model that generates: its engine, its tokenizer, and the checks of requests."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from collections.abc import Sequence as Items
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.language.files import LanguageFiles
from penstock._src.language.grammar import Grammar, Matcher, Matchers
from penstock._src.language.sampling import Sampling
from penstock._src.language.text.chat import ASSISTANT, prompt_of
from penstock._src.language.text.templates import Template
from penstock._src.language.text.tokenizers import Part, Tokenizer, load
from penstock._src.language.text.tool_calls import reader_of, strings_in
from penstock._src.serving.generation.cached_model import CachedModel
from penstock._src.serving.generation.engine import Engine, Observer
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.sequence import Sequence, Waker
from penstock._src.serving.servables.generation import FOLDER, Generation
from penstock._src.serving.servables.servable import Servable


class Generator:
    """Makes sequences of requests and has them generated.

    Args:
      servable: a model that generates.
      options: of the server.
      observers: called with each sequence that has ended.

    Attributes:
      engine: what generates.
      tokenizer: None if the model has none: requests then give and get tokens.
    """

    def __init__(
        self, servable: Servable, options: GenerationOptions, observers: Items[Observer] = ()
    ) -> None:
        generation: Generation = servable.generation
        self.generation, self._options = generation, options
        self.tokenizer: Tokenizer | None = None
        self._template: Template | None = None
        language: LanguageFiles | None = servable.language
        if language is not None:
            self.tokenizer = language.tokenizer()
            self._template = language.template() if language.source else None
        elif generation.tokenizer:
            own = [text for pair in generation.chat.values() for text in pair]
            self.tokenizer = load(os.path.join(servable.path, FOLDER, generation.tokenizer), own)
        self._matchers: Matchers | None = None
        if self.tokenizer is not None:
            stops = generation.stop_tokens
            self._matchers = Matchers(self.tokenizer, generation.vocabulary, stops)
        model = CachedModel(generation, servable.signatures)
        model.prepare(options.same_tokens)
        self.engine = Engine(model, options, observers)

    def start(
        self,
        prompt: Items[int],
        sampling: Sampling,
        max_tokens: int | None,
        stop_tokens: Items[int],
        wake: Waker,
        waiter: object,
        timeout: float = 0.0,
        top_logprobs: int | None = None,
        matcher: Matcher | None = None,
        least: int = 1,
        is_scored: bool = False,
    ) -> Sequence:
        """Begins to generate.

        Args:
          prompt: tokens.
          sampling: how tokens are chosen.
          max_tokens: at most; None for as many as there is room for.
          stop_tokens: tokens that end the sequence, in addition to the model's.
          wake: called when there are new tokens.
          waiter: what `wake` needs.
          timeout: seconds that the client waits; 0 for no limit but the server's.
          top_logprobs: how many of the most probable tokens are noted with each token; None: no probabilities are.
          matcher: of `matcher`; it is used up.
          least: the smallest `max_tokens` allowed: 0 where the prompt alone may be the reply.
          is_scored: True: the probabilities of the prompt's tokens are noted as well.

        Raises:
          InvalidArgumentError: the prompt is empty, has tokens that the model does not know, or there are too many.
          UnavailableError: too many sequences wait.
        """
        tokens = self._checked(prompt)
        sampling.check_tokens(self.generation.vocabulary)
        room = self.generation.length - len(tokens) + 1
        if max_tokens is None:
            max_tokens = min(room, self._options.max_tokens or room)
        if not least <= max_tokens <= (self._options.max_tokens or max_tokens):
            most = f" and at most {self._options.max_tokens}" if self._options.max_tokens else ""
            raise InvalidArgumentError(
                f"max_tokens: expected at least {least}{most}. Received {max_tokens}."
            )
        if max_tokens > room:
            raise InvalidArgumentError(
                f"The prompt has {len(tokens)} tokens and max_tokens is {max_tokens}. The model has room for "
                f"{self.generation.length} tokens."
            )
        if is_scored and not self.engine.model.scores_prompts:
            raise InvalidArgumentError(
                "Probabilities of a prompt's tokens: the model was written without the signature 'score'."
            )
        stops = (*self.generation.stop_tokens, *stop_tokens)
        times = [seconds for seconds in (timeout, self._options.max_seconds) if seconds]
        deadline = time.monotonic() + min(times) if times else 0.0
        sequence = Sequence(
            tokens,
            sampling,
            max_tokens,
            stop_tokens=stops,
            wake=wake,
            deadline=deadline,
            top_logprobs=top_logprobs,
            matcher=matcher,
            is_scored=is_scored,
        )
        sequence.waiter = waiter
        self.engine.put(sequence)
        return sequence

    def matcher(self, grammar: Grammar) -> Matcher:
        """Returns the matcher that constrains a sequence to a format. It is thread-safe, and may take some milliseconds.

        Args:
          grammar: the form.

        Raises:
          InvalidArgumentError: the grammar is wrong, or the model has no tokenizer.
          UnimplementedError: the package that this needs is not installed.
        """
        if self._matchers is None:
            raise InvalidArgumentError(f"{grammar.name}: the model has no tokenizer.")
        try:
            return self._matchers.matcher(grammar)
        except ImportError as error:
            raise UnimplementedError(str(error)) from error

    @property
    def chats(self) -> bool:
        """True if there are prompts of conversations."""
        return self._template is not None or ASSISTANT in self.generation.chat

    @property
    def template(self) -> str:
        """The text of the template of conversations; empty if there is none in Jinja's language."""
        return "" if self._template is None else self._template.source

    def prompt_of(
        self, messages: Items[Mapping[str, Any]], tools: Items[Mapping[str, Any]] = ()
    ) -> list[Part] | list[int]:
        """Returns the prompt that the model answers a conversation by.

        Args:
          messages: {"role": ..., "content": ...}.
          tools: that the model may call, as the template takes them.

        Raises:
          InvalidArgumentError: the model does not chat or takes no tools, or refuses the messages.
        """
        takes_tools = self.tokenizer is not None and reader_of(self.template) is not None
        if tools and not takes_tools:
            raise InvalidArgumentError(
                "'tools': the model's template takes none, or of an unknown form."
            )
        if self._template is None or self.tokenizer is None:
            pairs = [(message["role"], message["content"]) for message in messages]
            return prompt_of(pairs, self.generation.chat)
        calls = [message["tool_calls"] for message in messages if "tool_calls" in message]
        for text in strings_in([*tools, *calls]):
            tokens = self.tokenizer.encode_parts([Part(text, True)], is_whole=True)
            if any(map(self.tokenizer.is_control, tokens)):
                raise InvalidArgumentError(
                    f"'tools', 'tool_calls': a text has a token that controls the model: {text!r:.100}."
                )
        options = {"tools": list(tools)} if tools else {}
        parts = self._template.parts(messages, **options)
        return self.tokenizer.encode_parts(parts, is_whole=True)

    def _checked(self, prompt: Items[int]) -> np.ndarray:
        known = range(self.generation.vocabulary)
        if not prompt or len(prompt) > self.generation.length:
            raise InvalidArgumentError(
                f"The prompt must have 1 to {self.generation.length} tokens. Received {len(prompt)}."
            )
        unknown = [token for token in prompt if token not in known]
        if unknown:
            raise InvalidArgumentError(
                f"The prompt has the token {unknown[0]}. The model knows tokens from 0 to {len(known) - 1}."
            )
        return np.array(prompt, np.int32)
