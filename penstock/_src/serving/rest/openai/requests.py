"""Requests of completions and answers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.grammar import Grammar
from penstock._src.serving.inference.generating import GenerationRequest
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest.generation.generate import SAMPLING, request_of
from penstock._src.serving.rest.openai.tools import forced_form, message_of, tools_of
from penstock._src.serving.rest.parsing.fields import Fields, is_integers

# Members that clients of chats send, with the only value that they may have there.
_DEFAULTS: Mapping[str, Any] = {
    "best_of": 1,
    "echo": False,
}
# That change nothing in the reply.
_IGNORED = ("user", "metadata", "store", "stream_options", "service_tier")
_TIERS = ("auto", "default")
_OF_CHAT = (
    "messages",
    "max_completion_tokens",
    "logprobs",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
)
_COMPLETION_TOKENS = 16  # default for completions
# Limits: choices per reply, and alternative tokens reported with each token.
MOST_CHOICES, MOST_LOGPROBS = 128, 20
_SEEDS = 1 << 64


class Asked(NamedTuple):
    """Parsed request.

    Args:
      model: its name.
      requests: what to generate, for each choice of the reply.
      repeats: how many choices have the same prompt.
      tries: the number of texts generated for each prompt; the most probable ones are the choices.
      shows_logprobs: False if probabilities are computed to choose by them alone.
      streams: whether the reply is a stream of events.
      with_usage: whether the last of them counts the tokens.
      template: of conversations, if the model may call tools.
    """

    model: str
    requests: list[GenerationRequest]
    repeats: int
    tries: int
    streams: bool
    with_usage: bool
    shows_logprobs: bool = True
    template: str = ""


def completion_of(value: Any) -> Asked:
    """Returns the parsed completion request.

    Raises:
      InvalidArgumentError: a member is wrong.
    """
    fields = _fields(value, "prompt", "logprobs", "echo", "best_of")
    limit = fields.integer("max_tokens")
    limit = _COMPLETION_TOKENS if limit is None else limit
    prompts = _prompts(fields.get("prompt"))
    top = fields.integer("logprobs")
    if top is not None and not 0 <= top <= MOST_LOGPROBS:
        raise InvalidArgumentError(
            f"'logprobs': expected a number from 0 to {MOST_LOGPROBS}. Received {top}."
        )
    echoes = fields.boolean("echo")
    requests = [
        dataclasses.replace(
            request_of(fields, prompt, limit),
            top_logprobs=top,
            echoes=echoes,
            is_scored=echoes and top is not None,
        )
        for prompt in prompts
    ]
    asked = _asked(fields, requests)
    return asked if asked.tries == asked.repeats else _with_probabilities(asked)


def chat_of(value: Any, table: ModelTable) -> Asked:
    """Returns the parsed chat request.

    Args:
      value: JSON.
      table: where the model is, whose template makes the prompt.

    Raises:
      InvalidArgumentError: a member is wrong.
    """
    fields = _fields(value, *_OF_CHAT)
    top = fields.integer("top_logprobs")
    if top is not None and not 0 <= top <= MOST_LOGPROBS:
        raise InvalidArgumentError(
            f"'top_logprobs': expected a number from 0 to {MOST_LOGPROBS}. Received {top}."
        )
    wants = fields.boolean("logprobs")
    if top is not None and not wants:
        raise InvalidArgumentError("'top_logprobs': expected 'logprobs' to be true.")
    messages = [message_of(each) for each in fields.objects("messages")]
    if not messages:
        raise InvalidArgumentError("'messages': expected at least one. Received none.")
    tools = tools_of(fields)
    with table.using(model_of(fields)) as version:
        prompt = version.generator.prompt_of(messages, tools)
        template = version.generator.template if tools else ""
    limit = fields.integer("max_completion_tokens")
    limit = fields.integer("max_tokens") if limit is None else limit
    request = request_of(fields, prompt, limit)
    request = dataclasses.replace(request, top_logprobs=top or 0 if wants else None)
    asked = _asked(fields, [request])._replace(template=template)
    form = forced_form(fields, tools, template)
    if form is None:
        return asked
    # Such an answer has no text to which `response_format` could apply.
    requests = [dataclasses.replace(each, grammar=form) for each in asked.requests]
    return asked._replace(requests=requests)


def model_of(fields: Fields) -> str:
    """Returns the name of the model that a request is for.

    Raises:
      InvalidArgumentError: there is none.
    """
    name = fields.text("model")
    if name is None:
        raise InvalidArgumentError("'model': expected the name of a model.")
    return name


def _fields(value: Any, *names: str) -> Fields:
    """Return the members of a request. Only these names and those common to all requests are known."""
    seed = value.get("seed") if isinstance(value, dict) else None
    if type(seed) is int and -_SEEDS // 2 <= seed < 0:  # the API's seeds are signed, ours are not
        value = {**value, "seed": seed % _SEEDS}
    fields = Fields(value)
    defaults = {key: value for key, value in _DEFAULTS.items() if key not in names}
    fields.only(("model", "n", "response_format", *names, *SAMPLING, *_IGNORED), defaults)
    tier = fields.text("service_tier")
    if tier not in (None, *_TIERS):
        raise InvalidArgumentError(
            f"'service_tier': expected one of {list(_TIERS)}. Received {tier!r:.100}."
        )
    return fields


def _prompts(value: Any) -> list[Any]:
    """Return the prompts of a request: texts or lists of tokens."""
    prompts = value if isinstance(value, list) and not is_integers(value) else [value]
    if not all(isinstance(each, str) or each and is_integers(each) for each in prompts):
        raise InvalidArgumentError(
            "'prompt': expected a text, a list of tokens, or a list of texts or of lists of tokens."
        )
    return prompts


def _format(fields: Fields) -> Grammar | None:
    """Return the form that texts are to have."""
    value = fields.get("response_format")
    if value is None:
        return None
    name = "response_format"
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"'{name}': expected an object. Received {value!r:.100}.")
    kind = value.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return Grammar("schema", '{"type": "object"}', f"'{name}'")
    if kind != "json_schema":
        raise InvalidArgumentError(
            f"'{name}': expected the type 'text', 'json_object' or 'json_schema'. Received {kind!r:.100}."
        )
    form = value.get("json_schema")
    schema = form.get("schema") if isinstance(form, dict) else None
    if not isinstance(schema, dict):
        raise InvalidArgumentError(f"'{name}': expected an object 'schema' in 'json_schema'.")
    return Grammar("schema", json.dumps(schema), f"'{name}'")


def _asked(fields: Fields, requests: list[GenerationRequest]) -> Asked:
    grammar = _format(fields)
    requests = [dataclasses.replace(each, grammar=grammar) for each in requests]
    options = Fields(fields.get("stream_options") or {})
    usage = options.boolean("include_usage")
    count = fields.integer("n")
    count = 1 if count is None else count
    if not 1 <= count <= MOST_CHOICES:
        raise InvalidArgumentError(
            f"'n': expected a number from 1 to {MOST_CHOICES}. Received {count}."
        )
    tries, streams = _tries(fields, count), fields.boolean("stream")
    if tries * len(requests) > MOST_CHOICES:
        name = "n" if tries == count else "best_of"
        raise InvalidArgumentError(
            f"'{name}' times the prompts of 'prompt': expected at most {MOST_CHOICES} choices. Received {tries * len(requests)}."
        )
    if streams and tries > count:
        raise InvalidArgumentError(
            f"'best_of': expected 'n' ({count}) in a stream, as choices are compared when they are whole. Received {tries}."
        )
    repeated = [each for request in requests for each in _repeated(request, tries)]
    return Asked(model_of(fields), repeated, count, tries, streams, usage)


def _tries(fields: Fields, count: int) -> int:
    """Returns the number of texts generated for each prompt; `count` of them are choices of the reply."""
    tries = fields.integer("best_of")
    if tries is None:
        return count
    if not count <= tries <= MOST_CHOICES:
        raise InvalidArgumentError(
            f"'best_of': expected a number from 'n' ({count}) to {MOST_CHOICES}. Received {tries}."
        )
    return tries


def _with_probabilities(asked: Asked) -> Asked:
    """Return a request whose texts are compared by their tokens' probabilities."""
    if all(each.top_logprobs is not None for each in asked.requests):
        return asked
    requests = [dataclasses.replace(each, top_logprobs=0) for each in asked.requests]
    return asked._replace(requests=requests, shows_logprobs=False)


def _repeated(request: GenerationRequest, count: int) -> Iterator[GenerationRequest]:
    """Yield a request for each of several choices, with different random seeds."""
    sampling = request.sampling
    for number in range(count):
        if sampling.seed is None or not number:
            yield request
            continue
        seed = (sampling.seed + number) % _SEEDS
        yield dataclasses.replace(request, sampling=dataclasses.replace(sampling, seed=seed))
