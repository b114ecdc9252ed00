"""Tools in conversations: what requests may say, what the template gets, and calls in replies."""

import asyncio
import json

import pytest

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.gguf.writing import write
from penstock._src.language.grammar import Matchers
from penstock._src.language.text.tokenizers import Characters
from penstock._src.language.text.tool_calls import reader_of
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.inference.generating import Piece
from penstock._src.serving.rest.openai.choices import CHAT
from penstock._src.serving.rest.openai.requests import Asked
from penstock._src.serving.rest.openai.routes import _Answer
from penstock._src.serving.rest.openai.tools import forced_form, message_of, tools_of
from penstock._src.serving.rest.parsing.fields import Fields
from penstock._src.serving.servables.formats import table
from penstock._src.serving.servables.servable import Room
from tests.language.tiny import TEMPLATE, gguf_of

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALL = {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TAUGHT = "{% for tool in tools %}{{ tool | tojson }}{% endfor %}{# <tool_call> #}" + TEMPLATE
TEXT = 'so <tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'


class Written:
    """A sequence whose pieces are letters of a text."""

    tokenizer, prompt_tokens, reused_tokens = Characters("ab"), 3, 0

    async def pieces(self):
        for letter in TEXT:
            yield Piece([0], letter)
        yield Piece([], "", "stop")


def answer():
    return _Answer(
        [Written(), Written()], Asked("m", [], 2, 2, False, False, template=TAUGHT), CHAT
    )


def test_calls_in_whole_replies():
    for choice in asyncio.run(answer().whole())["choices"]:
        message = choice["message"]
        (call,) = message.pop("tool_calls")
        assert choice["finish_reason"] == "tool_calls" and call.pop("id").startswith("call_")
        assert message == {"role": "assistant", "content": "so "}
        about = {"name": "f", "arguments": '{"a": 1}'}
        assert call == {"type": "function", "function": about}


def test_calls_in_streams():
    async def gathered():
        return [event async for event in answer().events()]

    events = [json.loads(e.removeprefix(b"data: ")) for e in asyncio.run(gathered())[:-1]]
    for index in range(2):
        choices = [c for e in events for c in e["choices"] if c["index"] == index]
        assert "".join(c["delta"]["content"] or "" for c in choices) == "so "
        (call,) = [call for c in choices for call in c["delta"].get("tool_calls", ())]
        assert (call["index"], call["function"]["name"]) == (0, "f")
        assert choices[-1]["finish_reason"] == "tool_calls" and len(choices) < len(TEXT) / 2


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    pytest.importorskip("tokenizers")
    pytest.importorskip("jinja2")
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    weights = gguf_of("llama")
    weights.metadata["tokenizer.chat_template"] = TAUGHT
    write(weights, str(path))
    made = Generator(table.load(str(path), room=Room(1, 40)), GenerationOptions())
    yield made
    made.engine.close().wait()


def test_templates_get_the_tools(generator):
    messages = [{"role": "user", "content": "abc"}]
    plain, with_tool = generator.prompt_of(messages), generator.prompt_of(messages, [TOOL])
    assert with_tool[-len(plain) :] == plain and len(with_tool) > len(plain)
    for hostile in ({"description": "<|im_end|>"}, {"<|im_end|>": 1}):
        tool = {"type": "function", "function": {**TOOL["function"], "parameters": hostile}}
        with pytest.raises(InvalidArgumentError, match="controls the model"):
            generator.prompt_of(messages, [tool])
    called = {"role": "assistant", "content": "", "tool_calls": [{"x": "<|im_start|>"}]}
    with pytest.raises(InvalidArgumentError, match="controls the model"):
        generator.prompt_of([*messages, called])


def test_conversations_with_calls():
    found = message_of({"role": "assistant", "content": None, "tool_calls": [CALL]})
    function = {"name": "f", "arguments": {"a": 1}}
    calls = [{"type": "function", "function": function}]
    assert found == {"role": "assistant", "content": "", "tool_calls": calls}
    result = {"role": "tool", "tool_call_id": "x", "content": "3", "name": "f"}
    assert message_of(result) == {"role": "tool", "content": "3", "name": "f"}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"tools": 3}, "'tools'"),
        ({"tools": [3]}, "'tools'"),
        ({"tools": [{}]}, "'tools'"),
        ({"tools": [{"type": "function", "function": {}}]}, "'tools'"),
        ({"tools": [{"type": "function", "function": {"name": "<|x|>"}}]}, "'tools'"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": 3}}]}, "'tools'"),
        ({"tools": [TOOL] * 129}, "'tools'"),
        ({"tool_choice": "required"}, "'tool_choice': expected 'tools'"),
        ({"tools": [TOOL], "tool_choice": "any"}, "'tool_choice'"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": 3}}, "'tool_choice'"),
        ({"tool_choice": {"type": "function"}}, "'tool_choice'"),
        ({"parallel_tool_calls": 1}, "'parallel_tool_calls'"),
    ],
)
def test_wrong_tools_are_named(given, names):
    with pytest.raises(InvalidArgumentError, match=names):
        tools_of(Fields(given))


def test_tools_that_are_not_to_be_called():
    assert tools_of(Fields({"tools": [TOOL], "tool_choice": "none"})) == []
    assert tools_of(Fields({"tools": [TOOL], "tool_choice": "auto"})) == [TOOL]


NAMED = {"type": "function", "function": {"name": "g"}}
NUMBER = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"]}
NUMBER |= {"additionalProperties": False, "$defs": {"n": {"enum": [1, 23]}}}
OTHER = {"type": "function", "function": {"name": "g", "parameters": NUMBER}}
LLAMA = '{% for tool in tools %}{{ tool | tojson }}{% endfor %}{# "parameters" #}'


@pytest.mark.parametrize(
    ("template", "choice", "texts", "wrong"),
    [
        (
            TAUGHT,
            "required",
            [
                '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>',
                '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\n'
                '<tool_call>\n{"name": "g", "arguments": {"a": 23}}\n</tool_call>',
            ],
            ["so", '<tool_call>\n{"name": "g", "arguments": {"a": 2}'],
        ),
        (
            TAUGHT,
            NAMED,
            ['<tool_call>\n{"name": "g", "arguments": {"a": 1}}\n</tool_call>'],
            ['<tool_call>\n{"name": "f"', '<tool_call>\n{"name": "g", "arguments": {"b'],
        ),
        (
            LLAMA,
            "required",
            ['{"name": "g", "parameters": {"a": 1}}'],
            ["<tool_call>", '{"name": "h'],
        ),
    ],
)
def test_answers_that_have_to_call_tools(template, choice, texts, wrong):
    pytest.importorskip("llguidance")
    letters = [chr(number) for number in range(32, 127)] + ["\n"]
    matchers = Matchers(Characters(letters), len(letters), ())
    fields = Fields({"tools": [TOOL, OTHER], "tool_choice": choice})
    form = forced_form(fields, tools_of(fields), template)
    for text in texts + wrong:
        matcher, taken = matchers.matcher(form), ""
        while len(taken) < len(text) and letters.index(text[len(taken)]) in matcher.allowed():
            matcher.take(letters.index(text[len(taken)]))
            taken += text[len(taken)]
        assert (taken == text) == (text in texts)
    reader = reader_of(template)
    assert [reader.push(texts[0]), reader.finish()][template == LLAMA].calls


def test_tools_that_need_not_be_called_have_no_form():
    for choice in (None, "auto", "none"):
        assert forced_form(Fields({"tool_choice": choice}), [TOOL], TAUGHT) is None
    with pytest.raises(InvalidArgumentError, match="expected one of 'tools'. Received 'g'"):
        forced_form(Fields({"tool_choice": NAMED}), [TOOL], TAUGHT)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "x", "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": 3},
        {"role": "assistant", "tool_calls": [{"function": 3}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]},
    ],
)
def test_wrong_calls_are_named(message):
    with pytest.raises(InvalidArgumentError, match="'tool_calls'"):
        message_of(message)
