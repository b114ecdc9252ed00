"""OpenAI's paths for models that have a tokenizer: /v1/models, /v1/completions, /v1/chat/completions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.resources
import re
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.grammar import Matcher
from penstock._src.language.text.tool_calls import reader_of
from penstock._src.serving.inference.generating import (
    Generating,
    GenerationRequest,
    Piece,
    merged,
)
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.generation.generate import GenerateRoutes
from penstock._src.serving.rest.metrics import NamingHandler, counting
from penstock._src.serving.rest.models import MODEL, number_of
from penstock._src.serving.rest.openai.choices import CHAT, COMPLETION, Form, mean_logprob
from penstock._src.serving.rest.openai.errors import in_form
from penstock._src.serving.rest.openai.listing import Listing
from penstock._src.serving.rest.openai.requests import Asked, chat_of, completion_of
from penstock._src.serving.rest.replies import Reply, Stream, json_reply
from penstock._src.serving.rest.streams import event
from penstock._src.serving.telemetry.recorder import Recorder

_DONE = b"data: [DONE]\n\n"


class OpenAiRoutes:
    """Answers as OpenAI's API does.

    Args:
      table: where versions are found.
      generate: begins sequences.
      recorder: counts the requests.
      listing: describes the models.
    """

    def __init__(
        self, table: ModelTable, generate: GenerateRoutes, recorder: Recorder, listing: Listing
    ) -> None:
        self._table, self._generate, self._recorder = table, generate, recorder
        self._thread = ThreadPoolExecutor(1, "grammars")
        self._listing = listing

    def close(self) -> None:
        """Makes nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("GET", re.compile("/v1/models"), self.models),
            Route("POST", re.compile("/v1/completions"), self._answering(self.completions)),
            Route("POST", re.compile("/v1/chat/completions"), self._answering(self.chat)),
            Route("GET", re.compile(MODEL + "/chat"), self.page),
        ]

    def _answering(self, handler: NamingHandler) -> Handler:
        return in_form(counting(handler, "Generate", self._recorder))

    async def models(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Lists the models that generate, or make vectors of texts."""
        return json_reply({"object": "list", "data": self._listing.all()})

    async def completions(self, groups: dict[str, Any], body: bytes) -> Reply | Stream:
        """Continue texts."""
        asked = await self._generate.texts.read(body, completion_of)
        return await self._reply(groups, asked, COMPLETION)

    async def chat(self, groups: dict[str, Any], body: bytes) -> Reply | Stream:
        """Answers a conversation."""
        read = functools.partial(chat_of, table=self._table)
        return await self._reply(groups, await self._generate.texts.read(body, read), CHAT)

    async def page(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """The page that chats with a model."""
        with self._table.using(groups["name"], number_of(groups), groups["label"]) as version:
            if not version.generator.chats:
                raise InvalidArgumentError(f"{version} does not support chat.")
        text = (importlib.resources.files(__package__) / "chat.html").read_bytes()
        return Reply(200, text, b"text/html; charset=utf-8")

    async def _reply(self, groups: dict[str, Any], asked: Asked, form: Form) -> Reply | Stream:
        groups["name"] = asked.model  # requests are counted by it
        with contextlib.ExitStack() as stack:
            generating = []
            for request in asked.requests:
                matcher = await self._matcher(request, asked.model)
                begun = self._generate.begin(request, asked.model, matcher=matcher)
                stack.callback(begun.close)
                generating.append(begun.generating)
            answer = _Answer(generating, asked, form)
            if asked.streams:
                return Stream(answer.events(), stack.pop_all().close)
            return json_reply(await answer.whole())

    async def _matcher(self, request: GenerationRequest, model: str) -> Matcher | None:
        """The matcher of the requested format, built in a thread while the event loop goes on."""
        if request.grammar is None:
            return None
        with self._table.using(model) as version:
            make = functools.partial(version.generator.matcher, request.grammar)
            return await asyncio.get_running_loop().run_in_executor(self._thread, make)


class _Answer:
    """A reply to a request.

    Args:
      generating: its choices.
      asked: the request.
      form: of the reply.
    """

    def __init__(self, generating: Sequence[Generating], asked: Asked, form: Form) -> None:
        self._generating, self._asked, self._form = generating, asked, form
        template = asked.template
        self._readers = [reader_of(template) if template else None for _ in generating]
        self._called = [0] * len(generating)
        self._head = {
            "id": f"{form.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": asked.model,
        }

    async def whole(self) -> Mapping[str, Any]:
        """Returns the reply, once all choices have ended."""
        pieces = [Piece([], "") for _ in self._generating]
        async with contextlib.aclosing(
            merged([g.pieces() for g in self._generating])
        ) as merged_pieces:
            async for index, piece in merged_pieces:
                pieces[index].add(piece)
        usage = self._usage(sum(len(piece.tokens) for piece in pieces))
        choices = []
        for index, (generated, piece) in enumerate(self._kept(pieces)):
            if not self._asked.shows_logprobs:
                piece.logprobs = []
            choices.append({**self._choice(generated, piece, self._form.choice), "index": index})
        for choice in choices:
            for call in choice.get("message", {}).get("tool_calls", ()):
                del call["index"]  # only streams have it
        return {**self._head, "object": self._form.name, "choices": choices, "usage": usage}

    def _kept(self, pieces: Sequence[Piece]) -> list[tuple[int, Piece]]:
        """The texts that are choices, with their indices: of each prompt the most probable ones per token, if more were generated."""
        repeats, tries = self._asked.repeats, self._asked.tries
        numbered = list(enumerate(pieces))
        if tries == repeats:
            return numbered
        kept = []
        for start in range(0, len(numbered), tries):
            group = numbered[start : start + tries]
            group.sort(key=lambda each: mean_logprob(each[1]), reverse=True)
            kept += group[:repeats]
        return kept

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Yields pieces of the choices as they come."""
        head = {**self._head, "object": self._form.piece_name}
        count = 0
        async with contextlib.aclosing(
            merged([g.pieces() for g in self._generating])
        ) as merged_pieces:
            async for index, piece in merged_pieces:
                count += len(piece.tokens)
                choice = self._choice(index, piece, self._form.piece)
                if piece.text or piece.logprobs or piece.finish_reason or _calls(choice):
                    yield event({**head, "choices": [choice]})
        if self._asked.with_usage:
            yield event({**head, "choices": [], "usage": self._usage(count)})
        yield _DONE

    def _choice(self, index: int, piece: Piece, member: Callable[[str], Any]) -> dict[str, Any]:
        """A piece of a choice, or all of it, with calls of tools taken out of its text."""
        tokenizer, reader = self._generating[index].tokenizer, self._readers[index]
        if reader is None:
            return self._form.of(index, piece, tokenizer, member)
        said = reader.push(piece.text)
        text, calls = said.text, said.calls
        if piece.finish_reason is not None:
            rest = reader.finish()
            text, calls = text + rest.text, [*calls, *rest.calls]
        piece.text = text
        written = []
        for call in calls:
            about = {"name": call.name, "arguments": call.arguments}
            number = self._called[index]
            self._called[index] += 1
            identity = f"call_{uuid.uuid4().hex[:24]}"
            written.append({"index": number, "id": identity, "type": "function", "function": about})
        choice = self._form.of(index, piece, tokenizer, member, written)
        if self._called[index] and piece.finish_reason == "stop":
            choice["finish_reason"] = "tool_calls"
        return choice

    def _usage(self, count: int) -> dict[str, Any]:
        each = self._generating[:: self._asked.tries]
        prompt = sum(generating.prompt_tokens for generating in each)
        reused = sum(generating.reused_tokens for generating in each)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": count,
            "total_tokens": prompt + count,
            "prompt_tokens_details": {"cached_tokens": reused},
        }


def _calls(choice: Mapping[str, Any]) -> Any:
    return choice.get("delta", {}).get("tool_calls")
