"""OpenAI's paths: completions, chat, models."""

import json
import urllib.request

import pytest

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.serving.kit import HalfPlusTwo, Rest, save, save_writer

CHAT = {"user": ("u.", " "), "assistant": ("a.", " ")}


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_writer(root / "writer" / "1", chat=CHAT)
    save(HalfPlusTwo(), root / "half" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("writer", "half"))
    with running(Options(models, rest_port=0, grpc_port=-1)) as server:
        yield Rest(server.rest_port)


def asked(**options):
    return {"model": "writer", "prompt": "abc", "temperature": 0, **options}


def events(rest, path, request):
    data = urllib.request.urlopen(rest.url + path, json.dumps(request).encode()).read()
    lines = [line.removeprefix(b"data: ") for line in data.split(b"\n") if line]
    assert lines.pop() == b"[DONE]"
    return [json.loads(line) for line in lines]


def test_models_that_generate_are_listed(rest):
    status, reply = rest("/v1/models")
    assert (status, [model["id"] for model in reply["data"]]) == (200, ["writer"])


def test_a_model_is_described_beside_its_states(rest):
    _, listed = rest("/v1/models")
    status, reply = rest("/v1/models/writer")
    assert status == 200 and reply.pop("model_version_status")[0]["state"] == "AVAILABLE"
    assert reply == listed["data"][0] and reply["object"] == "model"
    assert list(rest("/v1/models/half")[1]) == ["model_version_status"]


def test_completions(rest):
    _, expected = rest(
        "/v1/models/writer:generate", {"prompt": "abc", "max_tokens": 16, "temperature": 0}
    )
    status, reply = rest("/v1/completions", asked())
    (choice,) = reply["choices"]
    assert status == 200 and reply["object"] == "text_completion"
    assert (choice["text"], choice["finish_reason"]) == (expected["text"], "length")
    assert reply["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 16,
        "total_tokens": 19,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    pieces = events(
        rest, "/v1/completions", asked(stream=True, stream_options={"include_usage": True})
    )
    assert "".join(c["text"] for piece in pieces for c in piece["choices"]) == expected["text"]
    assert pieces[-2]["choices"][0]["finish_reason"] == "length"
    assert pieces[-1]["usage"]["completion_tokens"] == 16


def test_chat_goes_on_with_the_messages_in_their_templates(rest):
    messages = [{"role": "user", "content": "hi"}]
    request = asked(messages=messages, max_completion_tokens=6)
    del request["prompt"]
    _, expected = rest("/v1/completions", asked(prompt="u.hi a.", max_tokens=6))
    status, reply = rest("/v1/chat/completions", request)
    assert status == 200
    assert reply["choices"][0]["message"] == {
        "role": "assistant",
        "content": expected["choices"][0]["text"],
    }
    in_parts = [
        {"role": "user", "content": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]}
    ]
    assert (
        rest("/v1/chat/completions", {**request, "messages": in_parts})[1]["usage"]
        == reply["usage"]
    )
    pieces = events(rest, "/v1/chat/completions", {**request, "stream": True})
    text = "".join(piece["choices"][0]["delta"]["content"] for piece in pieces)
    assert text == expected["choices"][0]["text"] and pieces[0]["object"] == "chat.completion.chunk"


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"model": None}, 400, "'model'"),
        ({"model": "nobody"}, 404, "nobody"),
        ({"model": "half"}, 400, "does not generate"),
        ({"max_tokens": 0}, 400, "at least 1"),
        ({"presence_penalty": "1"}, 400, "'presence_penalty': expected a number"),
        ({"frequency_penalty": 1e3}, 400, "frequency_penalty: expected a number from -100 to 100"),
        ({"logit_bias": [1]}, 400, "'logit_bias': expected an object of numbers by tokens"),
        ({"logit_bias": {"a": 1}}, 400, "'logit_bias': expected an object of numbers by tokens"),
        ({"logit_bias": {"1": True}}, 400, "'logit_bias': expected an object of numbers by tokens"),
        ({"logit_bias": {"1": 101}}, 400, "Received 101.0 for token 1"),
        ({"logit_bias": {"99999": 1}}, 400, "Received 99999"),
    ],
)
def test_errors_have_openais_form(rest, options, status, says):
    found, reply = rest("/v1/completions", asked(**options))
    assert found == status and says in reply["error"]["message"]


def test_messages_that_are_none(rest):
    for messages in (None, [1], [{"role": "user"}], [{"role": "tool", "content": "x"}]):
        status, reply = rest("/v1/chat/completions", {"model": "writer", "messages": messages})
        assert status == 400 and reply["error"]["type"] == "invalid_request_error"


def test_the_page(rest):
    with urllib.request.urlopen(rest.url + "/v1/models/writer/chat") as reply:
        assert reply.headers["content-type"].startswith("text/html") and b"<title>" in reply.read()
    status, reply = rest("/v1/models/half/chat")
    assert status == 400 and "does not generate" in reply["error"]
