"""Generates for tasks of the event loop: a request is checked, begun, and read as it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Sequence
from typing import NoReturn

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.sampling import Sampling
from penstock._src.language.text.stream import TextStream
from penstock._src.language.text.tokenizers import Part, Tokenizer
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.sequence import FinishReason, LoopWaker, tokens_of
from penstock._src.serving.telemetry import traces


@dataclasses.dataclass(frozen=True)
class GenerationRequest:
    """Prompt and parameters of a generation.

    Args:
      prompt: a text, or its parts, or tokens.
      sampling: how tokens are chosen.
      max_tokens: at most; None for as many as there is room for.
      stop_tokens: that end it, besides the model's own.
      stops: texts that end it.
      timeout: seconds that the client waits; 0 for no limit.
    """

    prompt: str | Sequence[Part] | Sequence[int]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop_tokens: tuple[int, ...] = ()
    stops: tuple[str, ...] = ()
    timeout: float = 0.0

    @property
    def size(self) -> int:
        """About how many bytes its prompt takes."""
        return 8 * sum(len(each.text) if isinstance(each, Part) else 1 for each in self.prompt)


@dataclasses.dataclass
class Piece:
    """Tokens and text generated since the previous piece.

    Args:
      tokens: further tokens.
      text: further text; tokens may be waiting for those that complete a character.
      finish_reason: why this is the last piece; None if it is not.
    """

    tokens: list[int]
    text: str
    finish_reason: FinishReason | None = None


class Generating:
    """A sequence that is being generated for a task.

    Args:
      generator: of the model.
      request: what is to be generated.
      waker: of the running event loop.

    Attributes:
      prompt_tokens: how many tokens the prompt has.

    Raises:
      InvalidArgumentError: the request asks for what the model cannot do.
      UnavailableError: too many sequences wait.
    """

    def __init__(self, generator: Generator, request: GenerationRequest, waker: LoopWaker) -> None:
        tokenizer = generator.tokenizer
        if tokenizer is None and request.stops:
            _refuse_text()
        prompt = _tokens(request.prompt, tokenizer)
        self.prompt_tokens = len(prompt)
        self._text = None if tokenizer is None else TextStream(tokenizer, request.stops)
        self._sequence = generator.start(
            prompt,
            request.sampling,
            request.max_tokens,
            request.stop_tokens,
            waker,
            asyncio.Event(),
            request.timeout,
        )

    @property
    def has_text(self) -> bool:
        """True if tokens have texts."""
        return self._text is not None

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield the pieces as they are generated. A reader that leaves ends the sequence.

        Raises:
          OpError: what ended the sequence.
        """
        try:
            async with contextlib.aclosing(tokens_of(self._sequence)) as batches:
                async for tokens in batches:
                    text = "" if self._text is None else self._text.push(tokens)
                    if self._text is not None and self._text.is_stopped:
                        yield Piece(tokens, text, "stop")
                        return
                    yield Piece(tokens, text)
        finally:
            traces.add_sequence(self._sequence.times)
        rest = "" if self._text is None else self._text.finish()
        stopped = self._text is not None and self._text.is_stopped
        yield Piece([], rest, "stop" if stopped else self._sequence.finish_reason)

    async def whole(self) -> Piece:
        """Waits for all of it.

        Raises:
          OpError: what ended the sequence.
        """
        joined = Piece([], "")
        async for piece in self.pieces():
            joined.tokens += piece.tokens
            joined.text += piece.text
            joined.finish_reason = piece.finish_reason
        return joined

    def cancel(self) -> None:
        """Ends the sequence before its next token."""
        self._sequence.is_cancelled = True


def _tokens(
    prompt: str | Sequence[Part] | Sequence[int], tokenizer: Tokenizer | None
) -> Sequence[int]:
    if isinstance(prompt, str):
        return _refuse_text() if tokenizer is None else tokenizer.encode(prompt)
    parts = [each for each in prompt if isinstance(each, Part)]
    if parts:
        return _refuse_text() if tokenizer is None else tokenizer.encode_parts(parts)
    return [token for token in prompt if isinstance(token, int)]


def _refuse_text() -> NoReturn:
    raise InvalidArgumentError(
        "The model has no tokenizer: prompt must be a list of tokens, and stop cannot be given."
    )
