"""Replies have the form that is asked for."""

import json
import threading

import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.serving.kit import Rest, Writer

PATH, CHAT_PATH = "/v1/completions", "/v1/chat/completions"
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}, "b": {"enum": ["c"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


class JsonWriter(Writer):
    characters = '{}[]":, abcdefghijklmnopqrstuvwxyz0123456789.'


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    tf.serving.export_generator(
        JsonWriter(128),
        str(root / "writer" / "1"),
        length=128,
        slots=4,
        tokenizer=list(JsonWriter.characters),
        chat={"user": ("u.", " "), "assistant": ("a.", " ")},
    )
    with running(
        Options((ModelConfig("writer", str(root / "writer")),), rest_port=0, grpc_port=-1)
    ) as server:
        yield Rest(server.rest_port)


def asked(form, **options):
    return {
        "model": "writer",
        "prompt": "abc",
        "max_tokens": 60,
        "response_format": form,
        **options,
    }


def of_schema(schema=SCHEMA):
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


def test_replies_are_json_of_the_schema(rest):
    pytest.importorskip("llguidance")
    options = {"temperature": 5, "n": 3}
    found = []

    def ask(seed):
        found.append(rest(PATH, asked(of_schema(), seed=seed, **options)))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    choices = [choice for status, reply in found for choice in reply["choices"]]
    values = [json.loads(choice["text"]) for choice in choices]
    assert len(values) == 12 and len({value["a"] for value in values}) > 3
    assert all(list(v) == ["a", "b"] and 0 <= v["a"] <= 99 and v["b"] == "c" for v in values)
    assert {choice["finish_reason"] for choice in choices} == {"stop"}


def test_answers_are_objects(rest):
    pytest.importorskip("llguidance")
    request = asked({"type": "json_object"}, messages=[{"role": "user", "content": "hi"}])
    del request["prompt"]
    status, reply = rest(CHAT_PATH, request)
    (choice,) = reply["choices"]
    assert status == 200 and choice["message"]["content"].startswith("{")
    if choice["finish_reason"] == "stop":
        assert isinstance(json.loads(choice["message"]["content"]), dict)


def test_text_is_the_default(rest):
    _, plain = rest(PATH, asked(None, temperature=0))
    _, same = rest(PATH, asked({"type": "text"}, temperature=0))
    assert plain["choices"] == same["choices"]


@pytest.mark.parametrize(
    "form",
    [
        3,
        {},
        {"type": "xml"},
        {"type": 3},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x"}},
        {"type": "json_schema", "json_schema": {"schema": [1]}},
    ],
)
def test_wrong_formats_are_named(rest, form):
    status, reply = rest(PATH, asked(form))
    assert status == 400 and "response_format" in reply["error"]["message"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:1/x"},
        {"$ref": "file:///etc/passwd"},
        {"type": "string", "pattern": "(("},
        {"type": "array", "minItems": 3, "maxItems": 1},
    ],
)
def test_wrong_schemas_are_named(rest, schema):
    pytest.importorskip("llguidance")
    status, reply = rest(PATH, asked(of_schema(schema)))
    assert status == 400 and "response_format" in reply["error"]["message"]
