"""API keys: which requests need one, and how the file is read."""

import dataclasses
import hashlib
import json
import os
import time
import urllib.error
import urllib.request

import grpc
import pytest

import penstock as tf
from penstock._src.core.errors import UnauthenticatedError
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.protos import apis
from penstock._src.serving.trust import keys
from tests.serving.kit import HalfPlusTwo, save


def line(name, key):
    return f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("keys")
    save(HalfPlusTwo(), root / "half" / "1")
    path = root / "api_keys"
    path.write_text("# who may ask\n\n" + line("alice", "secret-a") + line("bob", "secret-b"))
    models = (ModelConfig("half", str(root / "half")),)
    options = Options(models, rest_port=0, grpc_port=0, api_keys=str(path))
    with running(options) as server:
        yield server, path


def ask(server, headers, path="/v1/models/half:predict", body=b'{"instances": [4]}'):
    url = f"http://127.0.0.1:{server.rest_port}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "headers", [bearer("secret-a"), bearer("secret-b"), {"X-API-Key": "secret-a"}]
)
def test_rest_with_a_key(served, headers):
    assert ask(served[0], headers) == (200, {"predictions": [4.0]})


@pytest.mark.parametrize(
    "headers, message",
    [
        ({}, "has no API key"),
        (bearer("secret"), "is not known"),
        (bearer(""), "is not known"),
        ({"Authorization": "Basic c2VjcmV0LWE="}, "has no API key"),
        ({"X-API-Key": hashlib.sha256(b"secret-a").hexdigest()}, "is not known"),
    ],
)
def test_rest_without_a_key(served, headers, message):
    for path in ("/v1/models/half:predict", "/v1/models/none:predict"):
        status, error = ask(served[0], headers, path)
        assert status == 401 and message in error
    assert ask(served[0], headers, "/v1/models/half", None)[0] == 401
    assert ask(served[0], headers, "/v2/models/half", None)[0] == 401
    assert ask(served[0], headers, "/v2/health/ready", None)[0] == 200


def test_grpc_requests_need_a_key(served):
    request = apis.PredictRequest(model_spec=apis.ModelSpec(name="half"))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([4.0]))
    with grpc.insecure_channel(f"127.0.0.1:{served[0].grpc_port}") as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        for metadata in ([("authorization", "Bearer secret-a")], [("x-api-key", "secret-b")]):
            reply = predict(request.SerializeToString(), metadata=metadata)
            assert apis.PredictResponse.FromString(reply).outputs["y"].float_val[0] == 4.0
        for metadata in (None, [("x-api-key", "no")], [("authorization", "secret-a")]):
            with pytest.raises(grpc.RpcError) as found:
                predict(request.SerializeToString(), metadata=metadata)
            assert found.value.code() is grpc.StatusCode.UNAUTHENTICATED
        reflect = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.RpcError) as found:
            list(reflect(iter([b""])))
        assert found.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
        service = "/inference.GRPCInferenceService/"
        assert channel.unary_unary(service + "ServerLive")(b"") == b"\x08\x01"
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(service + "ServerMetadata")(b"")


def test_keys_are_read_again(served, monkeypatch):
    server, path = served
    monkeypatch.setattr(keys, "_INTERVAL", 0.0)
    before = path.read_text()

    def write(text):
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)

    write(before + line("carol", "secret-c"))
    assert ask(server, bearer("secret-c"))[0] == 200
    write(line("carol", "secret-c"))
    assert ask(server, bearer("secret-a"))[0] == 401
    write("nonsense")  # leaves them as they are
    assert ask(server, bearer("secret-c"))[0] == 200
    os.remove(path)
    assert ask(server, bearer("secret-c"))[0] == 200
    write(before)
    assert ask(server, bearer("secret-a"))[0] == 200
    assert ask(server, bearer("secret-c"))[0] == 401


def test_a_key_that_is_replaced_in_place_is_revoked_whatever_the_file_s_time(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_INTERVAL", 0.0)
    path = tmp_path / "keys"
    path.write_text(line("carol", "secret-c"))
    known, status = keys.ApiKeys(str(path)), path.stat()
    assert known.name_of([("x-api-key", "secret-c")]) == "carol"
    time.sleep(0.05)  # the system's clock of files ticks
    path.write_text(line("carol", "secret-d"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(UnauthenticatedError):
        known.name_of([("x-api-key", "secret-c")])


def test_all_keys_are_compared_whole(served, monkeypatch):
    compared = []
    real = keys.hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append(1) or real(a, b))
    for key in ("secret-a", "secret-b", "no"):
        compared.clear()
        ask(served[0], bearer(key))
        assert len(compared) == 2


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "there are no API keys"),
        ("# none\n", "there are no API keys"),
        ("alice secret-a", "line 1: expected a name and the 64 hexadecimal digits"),
        (line("a", "b") + "c" + "0" * 64, "line 2"),
    ],
)
def test_files_that_are_none(tmp_path, text, message):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        keys.ApiKeys(str(tmp_path / "keys"))


def test_the_access_log_names_keys_and_not_what_they_are(served, tmp_path):
    log = tmp_path / "access.jsonl"
    options = dataclasses.replace(served[0].options, access_log=str(log))
    with running(options) as server:
        ask(server, bearer("secret-a"))
        ask(server, bearer("secret-x"), "/v1/models/half:predict?token=t")
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
            call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
            with pytest.raises(grpc.RpcError):
                call(b"abc", metadata=[("x-api-key", "secret-b")])
    text = log.read_text()
    assert "secret" not in text and "token" not in text
    first, second, third, fourth = [json.loads(each) for each in text.splitlines()]
    assert (first["protocol"], first["method"], first["status"]) == ("http", "POST", 200)
    assert (first["path"], first["key"]) == ("/v1/models/half:predict", "alice")
    assert (first["received"], first["sent"]) == (18, 21)
    assert first["client"].startswith("127.0.0.1:") and 0 < first["milliseconds"] < 60_000
    assert (second["status"], second["key"]) == (401, "")
    assert (third["protocol"], third["status"]) == ("grpc", "OK")
    assert third["method"] == "/grpc.health.v1.Health/Check"
    assert (fourth["status"], fourth["key"], fourth["received"]) == ("INVALID_ARGUMENT", "bob", 3)
