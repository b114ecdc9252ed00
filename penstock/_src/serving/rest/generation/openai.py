"""OpenAI's paths for models that have a tokenizer: /v1/models, /v1/completions, /v1/chat/completions."""

from __future__ import annotations

import contextlib
import functools
import importlib.resources
import re
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, NamedTuple

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.language.text.chat import ASSISTANT
from penstock._src.serving.inference.generating import Generating, GenerationRequest, Piece
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.generation.generate import SAMPLING, GenerateRoutes, request_of
from penstock._src.serving.rest.metrics import NamingHandler, counting
from penstock._src.serving.rest.models import MODEL, number_of
from penstock._src.serving.rest.parsing.fields import Fields, is_integers
from penstock._src.serving.rest.replies import STATUS, Reply, Stream, json_reply
from penstock._src.serving.rest.streams import event
from penstock._src.serving.telemetry.recorder import Recorder
from penstock._src.serving.trust.messages import message_of

# Members that clients send, with the only value that they may have.
_DEFAULTS: Mapping[str, Any] = {
    "n": 1,
    "best_of": 1,
    "echo": False,
    "logprobs": False,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "tools": [],
    "response_format": {"type": "text"},
}
# That change nothing in the reply.
_IGNORED = ("user", "metadata", "store", "stream_options")
_COMPLETION_TOKENS = 16  # of a completion, if the request does not say
_DONE = b"data: [DONE]\n\n"


class Form(NamedTuple):
    """Format of a path's texts.

    Args:
      name: of the object of a whole reply.
      piece_name: of the object of a piece of it.
      prefix: of its identifier.
      choice: a whole text as a member of a choice.
      piece: a piece of a text likewise.
    """

    name: str
    piece_name: str
    prefix: str
    choice: Callable[[str], dict[str, Any]]
    piece: Callable[[str], dict[str, Any]]


COMPLETION = Form(
    "text_completion",
    "text_completion",
    "cmpl",
    lambda text: {"text": text, "logprobs": None},
    lambda text: {"text": text, "logprobs": None},
)
CHAT = Form(
    "chat.completion",
    "chat.completion.chunk",
    "chatcmpl",
    lambda text: {"message": {"role": ASSISTANT, "content": text}},
    lambda text: {"delta": {"role": ASSISTANT, "content": text}},
)


class Asked(NamedTuple):
    """Parsed request.

    Args:
      model: its name.
      request: what to generate.
      streams: whether the reply is a stream of events.
      with_usage: whether the last of them counts the tokens.
    """

    model: str
    request: GenerationRequest
    streams: bool
    with_usage: bool


class OpenAiRoutes:
    """Answers as OpenAI's API does.

    Args:
      table: where versions are found.
      generate: begins sequences.
      recorder: counts the requests.
    """

    def __init__(self, table: ModelTable, generate: GenerateRoutes, recorder: Recorder) -> None:
        self._table, self._generate, self._recorder = table, generate, recorder

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("GET", re.compile("/v1/models"), self.models),
            Route("POST", re.compile("/v1/completions"), self._answering(self.completions)),
            Route("POST", re.compile("/v1/chat/completions"), self._answering(self.chat)),
            Route("GET", re.compile(MODEL + "/chat"), self.page),
        ]

    def _answering(self, handler: NamingHandler) -> Handler:
        return _in_form(counting(handler, "Generate", self._recorder))

    async def models(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Lists the models that generate."""
        names = [
            name
            for name, versions in self._table.loaded().items()
            if any(version.generates for version in versions.values())
        ]
        listed = [{"id": name, "object": "model", "owned_by": "penstock"} for name in sorted(names)]
        return json_reply({"object": "list", "data": listed})

    async def completions(self, groups: dict[str, Any], body: bytes) -> Reply | Stream:
        """Continue a text."""

        def asked(value: Any) -> Asked:
            fields = _fields(value, "prompt")
            prompt = fields.get("prompt")
            if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
                prompt = prompt[0]
            if not isinstance(prompt, str) and not is_integers(prompt):
                raise InvalidArgumentError("'prompt': expected one text, or a list of tokens.")
            limit = fields.integer("max_tokens")
            limit = _COMPLETION_TOKENS if limit is None else limit
            return _asked(fields, request_of(fields, prompt, limit))

        return await self._reply(groups, await self._generate.texts.read(body, asked), COMPLETION)

    async def chat(self, groups: dict[str, Any], body: bytes) -> Reply | Stream:
        """Answers a conversation."""

        def asked(value: Any) -> Asked:
            fields = _fields(value, "messages", "max_completion_tokens")
            messages = [_message(each) for each in fields.objects("messages")]
            with self._table.using(_model(fields)) as version:
                prompt = version.generator.prompt_of(messages)
            limit = fields.integer("max_completion_tokens")
            limit = fields.integer("max_tokens") if limit is None else limit
            return _asked(fields, request_of(fields, prompt, limit))

        return await self._reply(groups, await self._generate.texts.read(body, asked), CHAT)

    async def page(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """The page that chats with a model."""
        with self._table.using(groups["name"], number_of(groups), groups["label"]) as version:
            if not version.generator.chats:
                raise InvalidArgumentError(f"{version} does not support chat.")
        text = (importlib.resources.files(__package__) / "chat.html").read_bytes()
        return Reply(200, text, b"text/html; charset=utf-8")

    async def _reply(self, groups: dict[str, Any], asked: Asked, form: Form) -> Reply | Stream:
        groups["name"] = asked.model  # by which requests are counted
        begun = self._generate.begin(asked.request, asked.model)
        head = {
            "id": f"{form.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": asked.model,
        }
        if asked.streams:
            return Stream(_events(begun.generating, head, form, asked.with_usage), begun.close)
        with contextlib.closing(begun):
            piece = await begun.generating.whole()
        choice = {"index": 0, **form.choice(piece.text), "finish_reason": piece.finish_reason}
        usage = _usage(begun.generating, len(piece.tokens))
        return json_reply({**head, "object": form.name, "choices": [choice], "usage": usage})


async def _events(
    generating: Generating, head: Mapping[str, Any], form: Form, with_usage: bool
) -> AsyncGenerator[bytes, None]:
    head = {**head, "object": form.piece_name}
    count = 0
    async with contextlib.aclosing(generating.pieces()) as pieces:
        async for piece in pieces:
            count += len(piece.tokens)
            if piece.text or piece.finish_reason is not None:
                yield event({**head, "choices": [_choice(form, piece)]})
    if with_usage:
        yield event({**head, "choices": [], "usage": _usage(generating, count)})
    yield _DONE


def _choice(form: Form, piece: Piece) -> dict[str, Any]:
    return {"index": 0, **form.piece(piece.text), "finish_reason": piece.finish_reason}


def _usage(generating: Generating, count: int) -> dict[str, int]:
    prompt = generating.prompt_tokens
    return {"prompt_tokens": prompt, "completion_tokens": count, "total_tokens": prompt + count}


def _fields(value: Any, *names: str) -> Fields:
    """Return the members of a request. Only these names and those common to all requests are known."""
    fields = Fields(value)
    fields.only(("model", *names, *SAMPLING, *_IGNORED), _DEFAULTS)
    return fields


def _asked(fields: Fields, request: GenerationRequest) -> Asked:
    usage = Fields(fields.get("stream_options") or {}).boolean("include_usage")
    return Asked(_model(fields), request, fields.boolean("stream"), usage)


def _model(fields: Fields) -> str:
    name = fields.text("model")
    if name is None:
        raise InvalidArgumentError("'model': expected the name of a model.")
    return name


def _message(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the role and the text of a message. Its content may be a list of parts."""
    fields = Fields(message)
    content = fields.get("content")
    if isinstance(content, list):
        parts = [Fields(part) for part in content]
        if any(part.text("type") != "text" for part in parts):
            raise InvalidArgumentError("'content': expected parts of the type 'text'.")
        content = "".join(part.text("text") or "" for part in parts)
    role = fields.text("role")
    if role is None or not isinstance(content, str):
        raise InvalidArgumentError("'messages': expected a role and a content for each.")
    return role, content


def _in_form(handler: Handler) -> Handler:
    """Return a handler that reports errors in OpenAI's form."""

    @functools.wraps(handler)
    async def answer(groups: Mapping[str, Any], body: bytes) -> Reply | Stream:
        try:
            return await handler(groups, body)
        except OpError as error:
            status = STATUS.get(error.error_code, 500)
            kind = "invalid_request_error" if status < 500 else "server_error"
            about = {"message": message_of(error), "type": kind, "param": None, "code": None}
            return json_reply({"error": about}, status)

    return answer
