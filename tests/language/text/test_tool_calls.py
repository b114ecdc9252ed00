"""Calls of tools are taken out of texts as they come."""

import json

import pytest

from penstock._src.language.text.tool_calls import ToolCall, ToolCallReader, reader_of, strings_in

HERMES = '<tool_call>\n{"name": "f", "arguments": {"x": "\u20ac}"}}\n</tool_call>'
LLAMA = '{"name": "f", "parameters": {"x": "\u20ac}"}}'
CALL = ToolCall("f", '{"x": "\u20ac}"}')


def read(reader, text, step):
    pieces = [reader.push(text[at : at + step]) for at in range(0, len(text), step)]
    pieces.append(reader.finish())
    return "".join(p.text for p in pieces), [call for p in pieces for call in p.calls]


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("has_marks", "text", "rest", "calls"),
    [
        (True, "plain <tool text", "plain <tool text", []),
        (True, f"first {HERMES}\n{HERMES} last", "first \n last", [CALL, CALL]),
        (True, HERMES.removesuffix("</tool_call>"), "", [CALL]),
        (True, "<tool_call>no JSON</tool_call>.", "<tool_call>no JSON</tool_call>.", []),
        (True, '<tool_call>{"name": 3}', '<tool_call>{"name": 3}', []),
        (True, '<tool_call>{"name": "f", "arguments": [1]}</tool_call>', None, []),
        (
            True,
            '<tool_call>{"name": "f", "arguments": "{}"}</tool_call>',
            "",
            [ToolCall("f", "{}")],
        ),
        (True, LLAMA, LLAMA, []),
        (False, LLAMA, "", [CALL]),
        (False, f" {LLAMA}; {LLAMA}", "", [CALL, CALL]),
        (False, f"text {LLAMA}", f"text {LLAMA}", []),
        (False, f"{LLAMA} text", f"{LLAMA} text", []),
        (False, '{"a": 1}', '{"a": 1}', []),
        (False, "", "", []),
    ],
)
def test_calls_and_the_text_beside_them(has_marks, text, rest, calls, step):
    wanted = text if rest is None else rest
    assert read(ToolCallReader(has_marks), text, step) == (wanted, calls)


def test_text_before_a_call_comes_at_once():
    reader = ToolCallReader(True)
    assert reader.push("one <too").text == "one " and reader.push("ls>").text == "<tools>"
    reader = ToolCallReader(False)
    assert reader.push("one").text == "one" and reader.push('{"').text == '{"'


def test_templates_say_the_form():
    assert reader_of("{{ messages }}") is None and reader_of("{{ tools }}") is None
    assert read(reader_of("{{ tools }} <tool_call>"), HERMES, 5) == ("", [CALL])
    assert read(reader_of('{{ tools }} "parameters"'), LLAMA, 5) == ("", [CALL])


def test_texts_in_values():
    value = json.loads('{"a": ["b", {"c": 1, "d": null}], "e": "f"}')
    assert sorted(strings_in(value)) == list("abcdef")
