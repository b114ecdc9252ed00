"""REST :generate: whole replies and server-sent events."""

import http.client
import json
import time

import pytest

from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.serving.kit import HalfPlusTwo, Rest, save, save_writer

pytestmark = pytest.mark.timed

PATH = "/v1/models/writer:generate"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_writer(root / "writer" / "1", length=2048, slots=2)
    save(HalfPlusTwo(), root / "half" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("writer", "half"))
    limits = GenerationOptions(max_waiting=1)
    with running(Options(models, rest_port=0, grpc_port=-1, generation=limits)) as server:
        yield server


@pytest.fixture(scope="module")
def rest(server):
    return Rest(server.rest_port)


def asked(**options):
    return {"prompt": "abc", "max_tokens": 8, "temperature": 0, **options}


def opened(server, request):
    """A connection with a request sent, and its reply, whose body is to be read."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=120)
    connection.request("POST", PATH, json.dumps(request))
    return connection, connection.getresponse()


def events(reply):
    lines = [line for line in reply.read().split(b"\n") if line]
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


def test_texts_and_tokens(rest):
    status, by_text = rest(PATH, asked())
    assert status == 200 and len(by_text["tokens"]) == len(by_text["text"]) == 8
    assert by_text["finish_reason"] == "length" and by_text["prompt_tokens"] == 3
    assert rest(PATH, asked(prompt=[10, 11, 12])) == (200, by_text)
    versioned = PATH.replace(":", "/versions/1:")
    assert rest(versioned, asked()) == (200, by_text)


def test_events_make_the_whole(server, rest):
    _, whole = rest(PATH, asked(max_tokens=40))
    connection, reply = opened(server, asked(max_tokens=40, stream=True))
    assert reply.headers["content-type"] == "text/event-stream"
    pieces = events(reply)
    connection.close()
    assert sum((piece["tokens"] for piece in pieces), []) == whole["tokens"]
    assert "".join(piece["text"] for piece in pieces) == whole["text"]
    assert [piece.get("finish_reason") for piece in pieces[-2:]] == [None, "length"]


def test_generation_ends_before_a_stop_text(rest):
    _, whole = rest(PATH, asked(max_tokens=30))
    stop = whole["text"][6:9]
    _, stopped = rest(PATH, asked(max_tokens=30, stop=stop))
    assert stopped["text"] == whole["text"][: whole["text"].index(stop)]
    assert stopped["finish_reason"] == "stop"
    token = whole["tokens"][4]
    _, stopped = rest(PATH, asked(stop_tokens=[token]))
    assert stopped["tokens"] == whole["tokens"][: whole["tokens"].index(token)]


def test_equal_seeds_draw_equal_tokens(rest):
    drawn = [rest(PATH, asked(temperature=2.0, seed=seed))[1]["tokens"] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("streams", [False, True])
def test_a_client_that_leaves_frees_its_slot(server, streams):
    engine = server.table.loaded()["writer"][1].generator.engine
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=120)
    connection.request("POST", PATH, json.dumps(asked(max_tokens=2000, stream=streams)))
    until(lambda: engine.running)
    sequence = next(held for held in engine._slots if held is not None)
    connection.close()
    until(lambda: not engine.running)
    assert sequence.is_cancelled and len(sequence.tokens) < 2000
    until(lambda: not server.table.uses("writer", 1))


def test_more_than_the_server_takes(server, rest):
    engine = server.table.loaded()["writer"][1].generator.engine
    held = [opened(server, asked(max_tokens=2000, stream=True)) for _ in range(3)]
    until(lambda: engine.running == 2 and engine.waiting == 1)
    status, reply = rest(PATH, asked())
    assert status == 503 and "wait for a slot" in reply["error"]
    for connection, _ in held:
        connection.close()
    until(lambda: not engine.running and not engine.waiting)
    assert rest(PATH, asked())[0] == 200


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        (asked(prompt=None), 400, "'prompt': expected a string or a list of tokens"),
        (asked(prompt="ABC"), 400, "does not know the character 'A'"),
        (asked(prompt=[99]), 400, "token 99"),
        (asked(max_tokens=5000), 400, "room for 2048"),
        (asked(temperature="hot"), 400, "'temperature': expected a number"),
        (asked(stop=[""]), 400, "'stop': expected"),
        (asked(temprature=1), 400, "'temprature' is not known"),
        ([], 400, "not a JSON object"),
    ],
)
def test_bad_requests(rest, request_, status, says):
    found, reply = rest(PATH, request_)
    assert found == status and says in reply["error"]


def test_models_and_functions_of_other_kinds(rest):
    status, reply = rest(PATH.replace("writer", "half"), asked())
    assert status == 400 and "does not generate" in reply["error"]
    assert rest(PATH.replace("writer", "nobody"), asked())[0] == 404
    status, reply = rest("/v1/models/writer:predict", {"signature_name": "decode", "inputs": {}})
    assert status == 501 and ":generate" in reply["error"]


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(1e-3)
