"""Tools and conversations that call them, as requests have them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.grammar import Grammar
from penstock._src.language.text.chat import ASSISTANT
from penstock._src.language.text.tool_calls import reader_of
from penstock._src.serving.rest.parsing.fields import Fields

MOST_TOOLS = 128
# So names cannot contain control tokens.
_NAME = re.compile("[A-Za-z0-9_.-]{1,64}")


def tools_of(fields: Fields) -> list[dict[str, Any]]:
    """Returns the tools that the model may call; none if the request forbids calls.

    Raises:
      InvalidArgumentError: a member is wrong.
    """
    fields.boolean("parallel_tool_calls")
    choice = _choice(fields)
    if fields.get("tools") is None:
        if choice not in (None, "auto", "none"):
            raise InvalidArgumentError(
                f"'tool_choice': expected 'tools' to choose {choice!r} from."
            )
        return []
    tools = fields.objects("tools")
    if len(tools) > MOST_TOOLS:
        raise InvalidArgumentError(
            f"'tools': expected at most {MOST_TOOLS}. Received {len(tools):,}."
        )
    for tool in tools:
        function = tool.get("function")
        parameters = function.get("parameters", {}) if isinstance(function, dict) else None
        if tool.get("type") != "function" or not isinstance(parameters, dict) or not function:
            raise InvalidArgumentError(
                "'tools': expected objects of the type 'function' with a 'function' of a 'name' and 'parameters'."
            )
        _check_name(function.get("name"), "tools")
    return [] if choice == "none" else tools


def forced_form(
    fields: Fields, tools: Sequence[Mapping[str, Any]], template: str
) -> Grammar | None:
    """Returns the form of answers that have to call tools; None if they need not.

    Args:
      fields: of the request.
      tools: that `tools_of` returned.
      template: of the model, which knows the form of calls.

    Raises:
      InvalidArgumentError: the tool that is to be called is not among these.
    """
    choice = _choice(fields)
    if choice in (None, "auto", "none"):
        return None
    functions = [tool["function"] for tool in tools]
    if isinstance(choice, Mapping):
        name = choice["function"]["name"]
        functions = [function for function in functions if function["name"] == name]
        if not functions:
            raise InvalidArgumentError(
                f"'tool_choice': expected one of 'tools'. Received {name!r}."
            )
    reader = reader_of(template)
    assert reader is not None, "Templates that know no form of calls take no tools."
    # A call of one function that is named is a single one, as is one where parallel calls are forbidden.
    several = choice == "required" and fields.get("parallel_tool_calls") is not False
    return Grammar("lark", reader.grammar(functions, several), "'tool_choice'")


def _choice(fields: Fields) -> Any:
    """The member `tool_choice`: "auto", "none", "required", an object that names a function, or None."""
    choice = fields.get("tool_choice")
    if choice in (None, "auto", "none", "required"):
        return choice
    function = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(function, dict) or choice.get("type") != "function":
        raise InvalidArgumentError(
            f"'tool_choice': expected 'auto', 'none', 'required', or an object of the type 'function' with a 'function' of a 'name'. Received {choice!r:.100}."
        )
    _check_name(function.get("name"), "tool_choice")
    return choice


def message_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a message as templates take it. Its content may be a list of parts.

    Raises:
      InvalidArgumentError: it is wrong.
    """
    fields = Fields(message)
    content = fields.get("content")
    if isinstance(content, list):
        parts = [Fields(part) for part in content]
        if any(part.text("type") != "text" for part in parts):
            raise InvalidArgumentError("'content': expected parts of the type 'text'.")
        content = "".join(part.text("text") or "" for part in parts)
    role = fields.text("role")
    calls = fields.objects("tool_calls") if fields.get("tool_calls") is not None else []
    if calls and role != ASSISTANT:
        raise InvalidArgumentError(f"'tool_calls': expected a message of the role '{ASSISTANT}'.")
    if calls and content is None:
        content = ""
    if role is None or not isinstance(content, str):
        raise InvalidArgumentError("'messages': expected a role and a content for each.")
    converted: dict[str, Any] = {"role": role, "content": content}
    if calls:
        converted["tool_calls"] = [_call(call) for call in calls]
    if name := fields.text("name"):
        _check_name(name, "name")
        converted["name"] = name
    return converted


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict):
        raise InvalidArgumentError("'tool_calls': expected an object 'function' in each.")
    _check_name(function.get("name"), "tool_calls")
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"'tool_calls': 'arguments': expected JSON ({error})."
        ) from error
    if not isinstance(arguments, dict):
        raise InvalidArgumentError("'tool_calls': 'arguments': expected JSON of an object.")
    return {"type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _check_name(name: Any, member: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgumentError(
            f"'{member}': expected a name of up to 64 letters, digits, dots and dashes. Received {name!r:.100}."
        )
