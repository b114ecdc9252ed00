"""Tool calls in a model's output, in the formats that models are trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from penstock._src.language.grammar import WRITTEN_JSON
from penstock._src.language.text.stream import overlap

_BEGIN, _END = "<tool_call>", "</tool_call>"
# The parameters of a function that names none.
_NOTHING: Mapping[str, Any] = {"properties": {}, "additionalProperties": False}


class ToolCall(NamedTuple):
    """A tool call that the model requests.

    Args:
      name: of the tool.
      arguments: JSON of an object.
    """

    name: str
    arguments: str


class Said(NamedTuple):
    """Text for the reader, and calls."""

    text: str
    calls: list[ToolCall]


class ToolCallReader:
    """Extracts calls from a text as it arrives. A call that turns out to be incomplete is returned as text.

    Hermes and Qwen write `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` anywhere; Llama 3 answers by `{"name": ..., "parameters": {...}}` alone.

    Args:
      has_marks: whether the calls stand between marks.
    """

    def __init__(self, has_marks: bool) -> None:
        self._has_marks = has_marks
        self._held, self._is_within, self._has_begun = "", False, False

    def grammar(self, functions: Sequence[Mapping[str, Any]], several: bool) -> str:
        """Returns a grammar in Lark's language of texts that are nothing but calls, as llguidance reads it.

        Args:
          functions: that may be called: a `name`, and a JSON schema of `parameters`.
          several: whether one call may follow another; between marks only.
        """
        begin, end, arguments = ("", "", "parameters")
        if self._has_marks:
            begin, end, arguments = f"{_BEGIN}\n", f"\n{_END}", "arguments"
        others = ' ("\\n" call)*' if several and self._has_marks else ""
        lines = [f"start: call{others}"]
        lines.append("call: " + " | ".join(f"call_{number}" for number in range(len(functions))))
        for number, function in enumerate(functions):
            before = json.dumps(f'{begin}{{"name": "{function["name"]}", "{arguments}": ')
            lines.append(f"call_{number}: {before} of_{number} {json.dumps('}' + end)}")
            schema = {**function.get("parameters", _NOTHING), "x-guidance": WRITTEN_JSON}
            lines.append(f"of_{number}: %json {json.dumps({'type': 'object', **schema})}")
        return "\n".join(lines)

    def push(self, text: str) -> Said:
        """Returns the part that is certain after some more text."""
        self._held += text
        return self._marked() if self._has_marks else self._alone()

    def finish(self) -> Said:
        """Returns the rest, after the end of the text."""
        rest, self._held = self._held, ""
        if self._is_within:
            call = _call(rest)  # its end may be a token that is not part of the text
            return Said("", [call]) if call else Said(_BEGIN + rest, [])
        if self._has_marks or self._has_begun:
            return Said(rest, [])
        calls = _calls_alone(rest)
        return Said("", calls) if calls else Said(rest, [])

    def _marked(self) -> Said:
        text, calls = "", list[ToolCall]()
        while True:
            mark = _END if self._is_within else _BEGIN
            before, separator, after = self._held.partition(mark)
            if not separator:
                break
            self._held = after
            if not self._is_within:
                text += before
            elif call := _call(before):
                calls.append(call)
            else:
                text += _BEGIN + before + _END
            self._is_within = not self._is_within
        if not self._is_within:
            kept = overlap(self._held, _BEGIN)
            text += self._held[: len(self._held) - kept]
            self._held = self._held[len(self._held) - kept :]
        return Said(text, calls)

    def _alone(self) -> Said:
        if not self._has_begun and self._held.lstrip()[:1] in ("", "{"):
            return Said("", [])  # until the end, as nothing but calls may be there
        self._has_begun = True
        text, self._held = self._held, ""
        return Said(text, [])


def reader_of(template: str) -> ToolCallReader | None:
    """Returns the parser of the call format that a model's template teaches; None for an unknown format or none.

    Args:
      template: its text.
    """
    if "tools" not in template:
        return None
    if _BEGIN in template:
        return ToolCallReader(True)
    return ToolCallReader(False) if '"parameters"' in template else None


def strings_in(value: Any) -> Iterator[str]:
    """Yields the texts in a JSON value, keys of objects among them."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple):
            left += each


def _call(text: str) -> ToolCall | None:
    """The call that a JSON text is; None if it is none."""
    try:
        return _call_of(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _call_of(value: Any) -> ToolCall | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    if not isinstance(arguments, dict):
        return None
    return ToolCall(value["name"], json.dumps(arguments, ensure_ascii=False))


def _calls_alone(text: str) -> list[ToolCall]:
    """The calls that a text consists of, with semicolons between; none if anything else is there."""
    decoder, calls, text = json.JSONDecoder(), list[ToolCall](), text.strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
            call = _call_of(value)
        except (ValueError, RecursionError):
            return []
        if call is None:
            return []
        calls.append(call)
        text = text[end:].strip().removeprefix(";").strip()
    return calls
