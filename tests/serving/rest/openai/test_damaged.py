"""Damaged requests at OpenAI's paths are answered or refused, and nothing is said of the inside."""

import collections
import json
import random
import urllib.error
import urllib.request

import pytest

from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.fuzz.serving.mutating import ODD_TEXTS, damaged_json
from tests.language.tiny import save_bert
from tests.serving.kit import save_writer

pytest.importorskip("tokenizers")
COUNT = 600
FORM = {"type": "json_schema", "json_schema": {"schema": {"type": "array", "items": {"enum": [1]}}}}
SHORT = {"model": "writer", "max_tokens": 3}
MESSAGES = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
REQUESTS = (
    (
        "/v1/completions",
        {**SHORT, "prompt": ["abc", [1, 2]], "n": 2, "logprobs": 2, "seed": 1, "stop": ["ab"]},
    ),
    (
        "/v1/chat/completions",
        {**SHORT, "messages": MESSAGES, "logprobs": True, "top_logprobs": 2, "n": 1},
    ),
    (
        "/v1/chat/completions",
        {
            **SHORT,
            "messages": [*MESSAGES, {"role": "assistant", "content": "a", "tool_calls": []}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            "tool_choice": "none",
        },
    ),
    ("/v1/completions", {**SHORT, "prompt": "abc", "response_format": FORM}),
    ("/v1/embeddings", {"model": "bert", "input": ["a cat", "dog"], "encoding_format": "float"}),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_writer(root / "writer" / "1", chat={"user": ("u.", " "), "assistant": ("a.", " ")})
    save_bert(root / "bert" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("writer", "bert"))
    generation = GenerationOptions(max_waiting=300)
    with running(Options(models, rest_port=0, grpc_port=-1, generation=generation)) as server:
        yield server


def asked(server, path, body):
    url = f"http://127.0.0.1:{server.rest_port}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def judged(status, body):
    """What is wrong with a reply; "" for nothing."""
    text = body.decode()
    if status not in (200, 400, 404, 429, 501) or "Traceback" in text or ".py" in text:
        return f"{status}: {text:.500}"
    if status != 200 and set(json.loads(text)["error"]) != {"message", "type", "param", "code"}:
        return f"{status}: not in OpenAI's form: {text:.500}"
    return ""


def test_damaged_requests(server):
    drawn = random.Random(0)
    counts = collections.Counter()
    for number in range(COUNT):
        path, value = drawn.choice(REQUESTS)
        body = damaged_json(drawn, value)
        status, reply = asked(server, path, body)
        assert not judged(status, reply), (number, body[:1000])
        counts[status] += 1
    assert counts[400] > COUNT / 4 and counts[200] > 10
    assert server.admission.requests == server.admission.held_bytes == 0


@pytest.mark.parametrize("path, value", REQUESTS)
def test_each_member_with_odd_values(server, path, value):
    odd = []
    for text in ODD_TEXTS:
        try:
            odd.append(json.loads(text))
        except ValueError:
            continue
    odd = [each for each in odd if each not in (float("inf"), -float("inf")) and each == each]
    for name in value:
        for other in odd:
            body = json.dumps({**value, name: other}).encode()
            status, reply = asked(server, path, body)
            assert not judged(status, reply), body


def test_what_the_published_client_sends(server):
    """Members that OpenAI's own client sends, or that its schema asks for."""
    chat = {**SHORT, "messages": MESSAGES, "temperature": 0}

    def answered(**changes):
        return asked(server, "/v1/chat/completions", json.dumps({**chat, **changes}).encode())

    status, body = answered(messages=[])
    assert (status, "'messages': expected at least one" in body.decode()) == (400, True)
    assert answered(seed=-5, service_tier="auto")[0] == 200
    assert answered(seed=-(1 << 63))[0] == 200
    assert answered(seed=-(1 << 63) - 1)[0] == 400
    status, body = answered(service_tier="flex")
    assert (status, "service_tier" in body.decode()) == (400, True)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.rest_port}/v1/models") as reply:
        listed = json.load(reply)["data"]
    assert all(type(each["created"]) is int for each in listed)
