"""The gRPC stream of generated tokens."""

import time

import grpc
import pytest

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.protos.generation import GenerateRequest, GenerateResponse
from penstock.serving import running
from tests.serving.kit import Rest, save_writer

pytestmark = pytest.mark.timed


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = save_writer(tmp_path_factory.mktemp("models") / "1", length=2048, slots=2)
    models = (ModelConfig("writer", folder),)
    with running(Options(models, rest_port=0, grpc_port=0)) as server:
        yield server


@pytest.fixture(scope="module")
def generate(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        path = "/penstock.serving.GenerationService/Generate"
        call = channel.unary_stream(path, None, GenerateResponse.FromString)
        yield lambda timeout=120, **fields: call(request(**fields).SerializeToString(), timeout)


def request(name="writer", **fields):
    made = GenerateRequest(**{"max_tokens": 8, "temperature": 0.0, **fields})
    made.model_spec.name = name
    return made


def test_tokens_are_those_of_rest(server, generate):
    replies = list(generate(text="abc"))
    rest = Rest(server.rest_port)
    asked = {"prompt": "abc", "max_tokens": 8, "temperature": 0}
    _, whole = rest("/v1/models/writer:generate", asked)
    assert [token for reply in replies for token in reply.tokens] == whole["tokens"]
    assert "".join(reply.text for reply in replies) == whole["text"]
    assert (replies[-1].finish_reason, replies[-1].prompt_tokens) == ("length", 3)
    again = list(generate(tokens={"values": [10, 11, 12]}))
    assert [token for reply in again for token in reply.tokens] == whole["tokens"]


def test_biases_and_penalties_are_those_of_rest(server, generate):
    options = {"presence_penalty": 1.5, "frequency_penalty": 0.5}
    replies = list(generate(text="abc", logit_bias={3: 40.0}, **options))
    asked = {"prompt": "abc", "max_tokens": 8, "temperature": 0, "logit_bias": {"3": 40}, **options}
    _, whole = Rest(server.rest_port)("/v1/models/writer:generate", asked)
    assert [token for reply in replies for token in reply.tokens] == whole["tokens"]
    assert whole["tokens"][0] == 3


def test_a_call_that_is_cancelled_frees_its_slot(server, generate):
    engine = server.table.loaded()["writer"][1].generator.engine
    call = generate(text="abc", max_tokens=2000)
    next(call)
    sequence = next(held for held in engine._slots if held is not None)
    call.cancel()
    end = time.monotonic() + 20
    while engine.running or server.table.uses("writer", 1):
        assert time.monotonic() < end
        time.sleep(1e-3)
    assert len(sequence.tokens) < 2000


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({}, "INVALID_ARGUMENT", "no prompt"),
        ({"text": "ABC"}, "INVALID_ARGUMENT", "character 'A'"),
        ({"text": "a", "top_p": 2.0}, "INVALID_ARGUMENT", "top_p"),
        ({"text": "a", "name": "nobody"}, "NOT_FOUND", "nobody"),
        ({"text": "a", "max_tokens": 2000, "timeout": 0.02}, "DEADLINE_EXCEEDED", ""),
    ],
)
def test_refused_generations_have_a_code_and_details(generate, fields, code, says):
    with pytest.raises(grpc.RpcError) as found:
        list(generate(**fields))
    assert found.value.code().name == code and says in found.value.details()
