"""Generates for tasks of the event loop: a request is checked, begun, and read as it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, NoReturn

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.grammar import Grammar, Matcher
from penstock._src.language.logprobs import TokenLogprobs
from penstock._src.language.sampling import Sampling
from penstock._src.language.text.stream import TextStream
from penstock._src.language.text.tokenizers import Part, Tokenizer
from penstock._src.serving.generation.sequence import FinishReason, LoopWaker, tokens_of
from penstock._src.serving.telemetry import traces
from penstock._src.util.dataclass import dataclass

if TYPE_CHECKING:
    from penstock._src.serving.generation.generator import Generator


@dataclass(frozen=True)
class GenerationRequest:
    """Prompt and parameters of a generation.

    Args:
      prompt: a text, or its parts, or tokens.
      sampling: how tokens are chosen.
      max_tokens: at most; None for as many as there is room for.
      stop_tokens: tokens that end it, in addition to the model's.
      stops: texts that end it.
      timeout: seconds that the client waits; 0 for no limit.
      top_logprobs: how many of the most probable tokens are wanted with each token; None: no probabilities are.
      grammar: the form that the text is to have; None for any.
      echoes: True if the reply begins with the prompt.
      is_scored: True if the probabilities of the prompt's tokens are wanted as well.
    """

    prompt: str | Sequence[Part] | Sequence[int]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop_tokens: tuple[int, ...] = ()
    stops: tuple[str, ...] = ()
    timeout: float = 0.0
    top_logprobs: int | None = None
    grammar: Grammar | None = None
    echoes: bool = False
    is_scored: bool = False

    @property
    def size(self) -> int:
        """The approximate size of its prompt in bytes."""
        return 8 * sum(len(each.text) if isinstance(each, Part) else 1 for each in self.prompt)


@dataclass
class Piece:
    """Tokens and text generated since the previous piece.

    Args:
      tokens: further tokens.
      text: further text; tokens may be waiting for those that complete a character.
      finish_reason: why this is the last piece; None if it is not.
      logprobs: of the tokens, if they were asked for; those of the prompt first, where it is repeated.
      offsets: characters of the text before each of these tokens.
    """

    tokens: list[int]
    text: str
    finish_reason: FinishReason | None = None
    logprobs: list[TokenLogprobs] = dataclasses.field(default_factory=list)
    offsets: list[int] = dataclasses.field(default_factory=list)

    def add(self, other: Piece) -> None:
        """Adds the next generated tokens."""
        self.tokens += other.tokens
        self.text += other.text
        self.finish_reason = other.finish_reason
        self.logprobs += other.logprobs
        self.offsets += other.offsets


class Generating:
    """A sequence that is being generated for a task.

    Args:
      generator: of the model.
      request: what is to be generated.
      waker: of the running event loop.
      matcher: of the request's grammar, if it has one.

    Attributes:
      prompt_tokens: how many tokens the prompt has.
      tokenizer: of the model; None if tokens have no texts.

    Raises:
      InvalidArgumentError: the request asks for what the model cannot do.
      UnavailableError: too many sequences wait.
    """

    def __init__(
        self,
        generator: Generator,
        request: GenerationRequest,
        waker: LoopWaker,
        matcher: Matcher | None = None,
    ) -> None:
        self.tokenizer = tokenizer = generator.tokenizer
        if tokenizer is None and request.stops:
            _refuse_text()
        prompt = _tokens(request.prompt, tokenizer)
        self.prompt_tokens = len(prompt)
        self._text = None if tokenizer is None else TextStream(tokenizer, request.stops)
        self._echoed = prompt if request.echoes else ()
        self._sequence = generator.start(
            prompt,
            request.sampling,
            max_tokens=request.max_tokens,
            stop_tokens=request.stop_tokens,
            wake=waker,
            waiter=asyncio.Event(),
            timeout=request.timeout,
            top_logprobs=request.top_logprobs,
            matcher=matcher,
            least=0 if request.echoes else 1,
            is_scored=request.is_scored,
        )
        if self._text is not None and not self._echoed:
            self._text.follow(prompt)

    @property
    def reused_tokens(self) -> int:
        """The number of prompt tokens that were reused from an earlier prompt with the same beginning."""
        return self._sequence.reused

    @property
    def has_text(self) -> bool:
        """True if tokens have texts."""
        return self._text is not None

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield the pieces as they are generated. A reader that leaves ends the sequence.

        Raises:
          OpError: what ended the sequence.
        """
        at = 0
        try:
            async with contextlib.aclosing(tokens_of(self._sequence)) as batches:
                async for tokens in batches:
                    if not at and self._echoed:
                        yield self._echo()
                    piece = self._piece(tokens, at)
                    at += len(tokens)
                    yield piece
                    if piece.finish_reason is not None:
                        return
        finally:
            traces.add_sequence(self._sequence.times)
        if not at and self._echoed:
            yield self._echo()
        rest = "" if self._text is None else self._text.finish()
        stopped = self._text is not None and self._text.is_stopped
        yield Piece([], rest, "stop" if stopped else self._sequence.finish_reason)

    def _echo(self) -> Piece:
        """The prompt as a piece, which has no further tokens."""
        piece = Piece([], "", None, self._sequence.prompt_logprobs)
        if self._text is not None:
            for token in self._echoed:
                if piece.logprobs:
                    piece.offsets.append(self._text.length)
                piece.text += self._text.echo(token)
        return piece

    def _piece(self, tokens: list[int], begin: int) -> Piece:
        """The piece of further tokens, up to one that completes a text that ends the sequence.

        Args:
          tokens: generated since the last piece.
          begin: how many were generated before.
        """
        piece = Piece([], "")
        if self._text is None:
            piece.tokens = tokens
        else:
            for token in tokens:
                piece.offsets.append(self._text.length)
                piece.tokens.append(token)
                piece.text += self._text.push([token])
                if self._text.is_stopped:
                    piece.finish_reason = "stop"
                    break
        piece.logprobs = self._sequence.logprobs[begin : begin + len(piece.tokens)]
        return piece

    async def whole(self) -> Piece:
        """Waits for all of it.

        Raises:
          OpError: what ended the sequence.
        """
        joined = Piece([], "")
        async for piece in self.pieces():
            joined.add(piece)
        return joined

    def cancel(self) -> None:
        """Ends the sequence before its next token."""
        self._sequence.is_cancelled = True


async def merged(
    sources: Sequence[AsyncGenerator[Piece, None]],
) -> AsyncGenerator[tuple[int, Piece], None]:
    """Yields the pieces of several sequences, with their indices, as they arrive. The error of one ends all.

    Args:
      sources: `pieces()` of each.

    Raises:
      OpError: what ended a sequence.
    """
    if len(sources) == 1:
        async with contextlib.aclosing(sources[0]) as pieces:
            async for piece in pieces:
                yield 0, piece
        return
    queue: asyncio.Queue[tuple[int, Piece | Exception | None]] = asyncio.Queue()

    async def read(index: int, source: AsyncGenerator[Piece, None]) -> None:
        try:
            async with contextlib.aclosing(source) as pieces:
                async for piece in pieces:
                    queue.put_nowait((index, piece))
            queue.put_nowait((index, None))
        except Exception as error:  # it is raised where the pieces are read
            queue.put_nowait((index, error))

    tasks = [asyncio.create_task(read(*each)) for each in enumerate(sources)]
    left = len(tasks)
    try:
        while left:
            index, value = await queue.get()
            if isinstance(value, Exception):
                raise value
            if value is None:
                left -= 1
            else:
                yield index, value
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
