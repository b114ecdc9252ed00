"""Prompts of conversations by the templates that models come with, which run in a sandbox."""

from __future__ import annotations

import datetime
import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.text import sandbox
from penstock._src.language.text.chat import ASSISTANT
from penstock._src.language.text.tokenizers import Part
from penstock._src.util.process.installing import pip_install

# Delimit the texts of messages while a prompt is parsed; characters that texts do not use.
_BEGIN, _END = "\ufdd0", "\ufdd1"
# Errors that a template may raise, in addition to the library's: it computes with Python's values.
_REFUSALS = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError)
_REFUSALS += (TypeError, ValueError)


class Template:
    """A template of a model, in Jinja's language.

    Args:
      source: its text.
      names: texts that it may refer to, such as `bos_token`.
      where: the file, for messages.

    Raises:
      InvalidArgumentError: it is not of that language.
      ImportError: the package jinja2 is not installed.
    """

    def __init__(self, source: str, names: Mapping[str, str], where: str) -> None:
        self.source, self._names, self._where = source, dict(names), where
        try:
            environment = sandbox.environment()
        except ModuleNotFoundError as error:
            raise ImportError(
                f"The model's template of conversations needs the package jinja2: {pip_install('language')}."
            ) from error
        environment.filters["tojson"] = _as_json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        self._errors: Any = importlib.import_module("jinja2").TemplateError
        self._refusals = (self._errors, *_REFUSALS)
        self._begin = environment.begin
        try:
            self._template = environment.from_string(source)
        except (self._errors, RecursionError, SyntaxError, MemoryError) as error:
            raise InvalidArgumentError(f"{where}: template of conversations: {error}.") from error

    def parts(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> list[Part]:
        """Returns the prompt that the model answers to, taken apart so that nothing in a message controls the model.

        Args:
          messages: {"role": ..., "content": ...}, as the template takes them.
          **options: further names for the template, such as `tools`.

        Raises:
          InvalidArgumentError: the template refuses the messages.
        """
        text = self._rendered(messages, options)
        if any(sign in text for sign in (_BEGIN, _END)):
            raise InvalidArgumentError(
                "messages: a text contains the noncharacter U+FDD0, which Unicode reserves."
            )
        for mark in (_marked, _marked_stripped, _marked_unless_own):
            marked = [mark(message) for message in messages]
            parts = _taken_apart(self._rendered(marked, options))
            if parts is not None and "".join(part.text for part in parts) == text:
                return parts
        raise InvalidArgumentError(
            "messages: the model's chat template changes a message's text, so the text cannot be separated from the template's control tokens."
        )

    def _rendered(self, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> str:
        names = {**self._names, **options}
        self._begin()
        try:
            return self._template.render(messages=messages, add_generation_prompt=True, **names)
        except InvalidArgumentError:
            raise
        except self._refusals as error:
            raise InvalidArgumentError(
                f"messages: the model's template refuses them: {error}."
            ) from error


def _marked(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    return (
        {**message, "content": f"{_BEGIN}{content}{_END}"} if isinstance(content, str) else message
    )


def _marked_stripped(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """For templates that strip texts."""
    content = message.get("content")
    return _marked({**message, "content": content.strip()} if isinstance(content, str) else message)


def _marked_unless_own(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """For templates that inspect the model's earlier answers."""
    return message if message.get("role") == ASSISTANT else _marked_stripped(message)


def _taken_apart(text: str) -> list[Part] | None:
    """The parts of a text with marks; None if these do not come in pairs."""
    own, *rest = text.split(_BEGIN)
    parts = [Part(own, True)]
    for piece in rest:
        content, mark, own = piece.partition(_END)
        if not mark or _END in own:
            return None
        parts += [Part(content, False), Part(own, True)]
    return parts


def _as_json(value: Any, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: Any) -> NoReturn:
    raise InvalidArgumentError(f"messages: the model's template refuses them: {message}")


def _now(form: str) -> str:
    return datetime.datetime.now().strftime(form)
