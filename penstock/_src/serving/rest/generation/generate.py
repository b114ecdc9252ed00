""":generate: tokens that follow a prompt, at once or as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, NamedTuple

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.grammar import Matcher
from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.sequence import LoopWaker
from penstock._src.serving.inference.generating import Generating, GenerationRequest, Piece
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest.app import Route
from penstock._src.serving.rest.models import MODEL, number_of
from penstock._src.serving.rest.parsing.fields import Fields, is_integers
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.rest.replies import Reply, Stream, json_reply
from penstock._src.serving.rest.streams import event
from penstock._src.serving.trust.admission import Admission

SAMPLING = (
    "max_tokens",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "seed",
    "stop",
    "stop_tokens",
    "stream",
)


class GenerateRoutes:
    """Answers :generate.

    Args:
      table: where versions are found.
      admission: counts the requests.
      texts: reads them.
    """

    def __init__(self, table: ModelTable, admission: Admission, texts: Texts) -> None:
        self._table, self.admission, self.texts = table, admission, texts
        self._waker: LoopWaker | None = None

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("POST", re.compile(MODEL + ":generate"), self.generate, api="Generate")]

    async def generate(self, groups: Mapping[str, Any], body: bytes) -> Reply | Stream:
        """Answers :generate."""
        request, streams = await self.texts.read(body, _asked)
        begun = self.begin(request, groups["name"], number_of(groups), groups["label"])
        if streams:
            return Stream(_events(begun.generating), begun.close)
        with contextlib.closing(begun):
            return await _whole(begun.generating)

    def begin(
        self,
        request: GenerationRequest,
        name: str,
        number: int | None = None,
        label: str | None = None,
        matcher: Matcher | None = None,
    ) -> Begun:
        """Begins to generate with a model, which stays loaded until the result is closed.

        Args:
          request: what is to be generated.
          name: of the model.
          number: of the version; None for the latest.
          label: of the version.
          matcher: of the request's grammar, if it has one.

        Raises:
          NotFoundError: it is not loaded.
          InvalidArgumentError: it does not generate, or not what is asked for.
          UnavailableError: too many sequences wait.
        """
        if self._waker is None:
            self._waker = LoopWaker(asyncio.get_running_loop())
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.admission.request(request.size))
            version = stack.enter_context(self._table.using(name, number, label))
            generating = Generating(version.generator, request, self._waker, matcher)
            stack.callback(generating.cancel)
            return Begun(generating, stack.pop_all().close)


def _asked(value: Any) -> tuple[GenerationRequest, bool]:
    """Return the generation for a request; and True if the reply is a stream."""
    fields = Fields(value)
    fields.only(("prompt", *SAMPLING))
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) and not is_integers(prompt):
        raise InvalidArgumentError("'prompt': expected a string or a list of tokens.")
    return request_of(fields, prompt, fields.integer("max_tokens")), fields.boolean("stream")


class Begun(NamedTuple):
    """A sequence that is being generated for a request.

    Args:
      generating: the sequence.
      close: ends it.
    """

    generating: Generating
    close: Callable[[], None]


def request_of(fields: Fields, prompt: Any, max_tokens: int | None) -> GenerationRequest:
    """Returns the parsed request.

    Args:
      fields: of the request.
      prompt: a text, or tokens.
      max_tokens: at most; None for as many as there is room for.
    """
    sampling = Sampling(
        temperature=fields.number("temperature", 1.0),
        top_k=fields.integer("top_k") or 0,
        top_p=fields.number("top_p", 1.0),
        min_p=fields.number("min_p", 0.0),
        repetition_penalty=fields.number("repetition_penalty", 1.0),
        presence_penalty=fields.number("presence_penalty", 0.0),
        frequency_penalty=fields.number("frequency_penalty", 0.0),
        logit_bias=fields.numbers_by_token("logit_bias"),
        seed=fields.integer("seed"),
    )
    return GenerationRequest(
        prompt,
        sampling,
        max_tokens,
        fields.integers("stop_tokens"),
        fields.texts("stop"),
    )


async def _whole(generating: Generating) -> Reply:
    fields = _piece(generating, await generating.whole())
    return json_reply({**fields, "prompt_tokens": generating.prompt_tokens})


async def _events(generating: Generating) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(generating.pieces()) as pieces:
        async for piece in pieces:
            yield event(_piece(generating, piece))


def _piece(generating: Generating, piece: Piece) -> dict[str, Any]:
    fields: dict[str, Any] = {"tokens": piece.tokens}
    if generating.has_text:
        fields["text"] = piece.text
    if piece.finish_reason is not None:
        fields["finish_reason"] = piece.finish_reason
    return fields
