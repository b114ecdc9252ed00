"""Limits of requests: compressed bodies, rows, strings, and requests at a time."""

import gzip
import json
import urllib.error
import urllib.request

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.rest.bodies import decompressed
from penstock._src.serving.trust.limits import Limits
from tests.serving.kit import HalfPlusTwo, Rest, save


class Several(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="x")])
    def length(self, x):
        return {"y": tf.strings.length(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="x")])
    def number(self, x):
        return {"y": tf.strings.to_number(x)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    several = Several()
    signatures = {"length": several.length, "number": several.number}
    save(several, root / "several" / "1", signatures)
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "several"))
    limits = Limits(
        max_body_bytes=500_000,
        max_rows=10_000,
        max_string_bytes=1000,
        max_tensor_bytes=30_000,
        max_requests=3,
        max_held_bytes=3_000_000,
    )
    with running(Options(models, rest_port=0, grpc_port=-1, limits=limits)) as server:
        yield server


@pytest.fixture
def ask(server):
    """`status, reply = ask(model, body, headers)`."""

    def ask(model, body, headers=()):
        url = f"http://127.0.0.1:{server.rest_port}/v1/models/{model}:predict"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers))) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["error"]

    yield ask
    assert (server.admission.requests, server.admission.held_bytes) == (0, 0)


GZIP = {"Content-Encoding": "gzip"}
BODY = b'{"instances": [1.0, 2.0, 5.0]}'


def test_compressed_bodies(ask):
    noise = bytes(np.random.default_rng(0).integers(32, 33, 200_000, np.uint8))
    for body in (gzip.compress(BODY), gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])):
        assert ask("half", body, GZIP) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert ask("half", gzip.compress(noise + BODY, 0), GZIP)[0] == 200
    assert ask("half", BODY, {"Content-Encoding": "identity"})[0] == 200


@pytest.mark.parametrize(
    "body, status, message",
    [
        (gzip.compress(b" " * 600_000), 429, "may have at most 500,000 bytes"),
        (gzip.compress(b" " * 100_000_000), 429, "may have at most 500,000 bytes"),
        (gzip.compress(BODY)[:-3], 400, "are truncated"),
        (
            gzip.compress(BODY)[:20] + b"\xff\xff\xff" + gzip.compress(BODY)[23:],
            400,
            "not valid gzip",
        ),
        (gzip.compress(BODY) + b"more", 400, "not valid gzip"),
        (BODY, 400, "not valid gzip"),
        (b"", 400, "JSON Parse error"),
    ],
    # The bytes of gzip hold the time: processes of tests would know the cases by different names.
    ids=["large", "a bomb", "cut off", "broken", "followed by more", "plain", "empty"],
)
def test_compressed_bodies_that_are_refused(ask, body, status, message):
    found, error = ask("half", body, GZIP)
    assert found == status and message in error


def test_other_compressions_are_refused_by_name(ask):
    status, error = ask("half", BODY, {"Content-Encoding": "br"})
    assert status == 501 and "Received br" in error


def test_a_bomb_takes_no_more_than_the_limit():
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        decompressed(bomb * 3, 60_000_000)
    assert len(decompressed(bomb, 50_000_000)) == 50_000_000


@pytest.mark.parametrize(
    "model, request_, message",
    [
        ("half", {"instances": [1] * 10_001}, "may have at most 10,000 rows. Received 10,001"),
        ("half", {"instances": [1] * 9000}, "has 36,000 bytes. An input may have at most 30,000"),
        ("half", {"instances": [[]] * 80_000}, "All requests together may hold 3,000,000"),
        ("several", {"signature_name": "length", "instances": ["a" * 1001]}, "string of 1,001"),
        ("several", {"signature_name": "length", "instances": ["a" * 1000] * 40}, "has 40,320"),
    ],
)
def test_inputs_that_are_too_large(ask, model, request_, message):
    status, error = ask(model, json.dumps(request_).encode())
    assert status == 429 and message in error


def test_an_error_that_names_bytes_which_are_no_text(ask):
    request = {"signature_name": "number", "instances": [{"b64": "/zE="}]}
    status, error = ask("several", json.dumps(request).encode())
    assert status == 400 and "\\udcff1" in error


def test_limits_are_positive():
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_rows: expected more than 0"):
        Limits(max_rows=0)


def test_paths_of_models_are_answered_while_the_server_is_full(server, ask):
    server.admission.requests += 3
    try:
        status, error = ask("half", BODY)
        assert status == 503 and "busy with 3 requests" in error
        assert Rest(server.rest_port)("/v1/models/half")[0] == 200
    finally:
        server.admission.requests -= 3
    assert ask("half", BODY)[0] == 200


@pytest.mark.parametrize("path", ["models/half:predict", "models/half:generate", "completions"])
def test_values_that_take_too_much_memory(server, path):
    body = b'{"prompt": [' + b"{}," * 100_000 + b"{}]}"
    url = f"http://127.0.0.1:{server.rest_port}/v1/{path}"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, body)
    with caught.value as reply:
        assert reply.code == 429
        assert b"may hold" in reply.read()
