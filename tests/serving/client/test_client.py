"""Clients of a server: arrays in and out by both protocols, from threads and from an event loop."""

import asyncio

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import errors
from penstock._src.serving.client.client import AsyncClient, Client
from penstock._src.serving.models.config import ModelConfig, VersionPolicy
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import HalfPlusTwo, save

DTYPES = "float16 bfloat16 float32 float64 int8 uint8 int16 int32 int64 uint64 bool string".split()


class Several(tf.Module):
    """Functions of several inputs and outputs."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([None], tf.string)]
    )
    def pairs(self, a, b):
        return {"total": tf.reduce_sum(a, 1), "raw_bytes": b + "!"}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def positive(self, x):
        tf.debugging.assert_positive(x, "x is not positive")
        return {"y": tf.stack([x, x], 1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float64, name="x")])
    def third(self, x):
        return {"y": x / 3.0}

    @tf.function
    def same(self, **values):
        return {f"out_{name}": tf.identity(value) for name, value in values.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    save(HalfPlusTwo(two=3.0), root / "half" / "2")
    several = Several()
    specs = {name: tf.TensorSpec([None, None], name) for name in DTYPES}
    functions = {name: getattr(several, name) for name in ("pairs", "positive")}
    functions["same"] = several.same.get_concrete_function(**specs)
    save(several, root / "several" / "1", functions)
    models = (
        ModelConfig("half", str(root / "half"), VersionPolicy("all"), {"old": 1}),
        ModelConfig("several", str(root / "several")),
    )
    with running(Options(models, rest_port=0, grpc_port=0)) as started:
        yield started


def url(server, protocol, path=""):
    if protocol == "rest":
        return f"http://127.0.0.1:{server.rest_port}{path and '/v1' + path}"
    return f"grpc://127.0.0.1:{server.grpc_port}{path}"


@pytest.fixture(params=["rest", "grpc"])
def client(request, server):
    with Client(url(server, request.param)) as made:
        yield made


def test_the_only_input_needs_no_name(client):
    for given in ([1.0, 2.0, 5.0], np.float64([1, 2, 5]), tf.constant([1.0, 2.0, 5.0])):
        found = client.predict(given, model="half", version=1)
        np.testing.assert_array_equal(found["y"], np.float32([2.5, 3.0, 4.5]))
        assert found["y"].dtype == np.float32


def test_versions_and_labels(client):
    asked = {"x": [2]}
    assert client.predict(asked, model="half")["y"] == 4.0
    assert client.predict(asked, model="half", label="old")["y"] == 3.0
    with pytest.raises(errors.InvalidArgumentError, match="a version or a label"):
        client.predict(asked, model="half", label="old", version=2)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_url_names_the_model(server, protocol):
    with Client(url(server, protocol, "/models/half/versions/1")) as client:
        assert client.predict([2])["y"] == 3.0
        assert client.predict([2], version=2)["y"] == 4.0


def test_several_inputs_and_outputs(client):
    given = {"a": np.int64([[1, 2], [3, 4]]), "b": ["x", b"y\xff\0"]}
    found = client.predict(given, model="several", signature="pairs", outputs=["total"])
    assert list(found) == ["total"]
    np.testing.assert_array_equal(found["total"], np.int32([3, 7]))
    found = client.predict(given, model="several", signature="pairs")
    assert found["raw_bytes"].tolist() == [b"x!", b"y\xff\0!"] and len(found) == 2
    given["b"] = np.array([["x", "yé"]])[0]
    found = client.predict(given, model="several", signature="pairs")
    assert found["raw_bytes"].tolist() == [b"x!", "yé!".encode()]


def test_every_dtype_comes_back_as_it_was(client):
    random = np.random.default_rng(0)
    given = {}
    for name in DTYPES[:-1]:
        dtype = tf.as_dtype(name).as_numpy_dtype
        given[name] = (random.standard_normal((3, 2)) * 1e5).astype(np.int64).astype(dtype)
    given["float32"] = random.standard_normal((3, 2)).astype(np.float32)
    given["float64"] = np.float64([[np.nan, np.inf], [-np.inf, 1 / 3], [-0.0, 5e-324]])
    given["uint64"][0] = 2**64 - 1
    given["string"] = np.array([[b"a"], [b"\xc3\xa9"], [b""]], object)
    found = client.predict(given, model="several", signature="same")
    for name, value in given.items():
        back = found[f"out_{name}"]
        assert back.dtype == value.dtype and back.shape == value.shape, name
        np.testing.assert_array_equal(back, value)


def test_no_rows(client):
    assert client.predict(np.zeros([0]), model="several", signature="positive")["y"].shape == (0, 2)


@pytest.mark.parametrize(
    "given, more, error, message",
    [
        ([1.5], {"model": "none"}, errors.NotFoundError, "none"),
        ([1.5], {"version": 9}, errors.NotFoundError, "half"),
        ([1.5], {"signature": "no"}, errors.InvalidArgumentError, '"no" not found'),
        ([1.5], {"outputs": ["z"]}, errors.InvalidArgumentError, "gives ..y... Received outputs"),
        ([[1.5]], {}, errors.InvalidArgumentError, "has the shape"),
        ([[1.5], 2], {}, errors.InvalidArgumentError, "unequal lengths"),
        (["a"], {}, errors.InvalidArgumentError, "Received a string"),
        ([1e39], {}, errors.InvalidArgumentError, "out of its range"),
        ({"z": [1]}, {}, errors.InvalidArgumentError, "takes ..x... Received ..z.."),
        (
            [-1.0],
            {"model": "several", "signature": "positive"},
            errors.InvalidArgumentError,
            "x is not positive",
        ),
        (
            [1],
            {"model": "several", "signature": "pairs"},
            errors.InvalidArgumentError,
            "a dict with a value for each",
        ),
    ],
)
def test_predictions_raise_the_servers_errors(client, given, more, error, message):
    with pytest.raises(error, match=message):
        client.predict(given, **{"model": "half", **more})


def test_signatures(client):
    found = client.signatures("several")
    assert sorted(found) == ["pairs", "positive", "same"]
    assert found["pairs"].inputs["a"] == tf.TensorSpec([None, 2], tf.int32, "a")
    assert found["pairs"].outputs["raw_bytes"].dtype == tf.string
    assert found["same"].inputs["int8"].shape.rank == 2


def test_the_status_lists_versions_of_a_model(client):
    found = [(info.version, info.state, info.error) for info in client.status("half")]
    assert found == [(2, "AVAILABLE", ""), (1, "AVAILABLE", "")]
    with pytest.raises(errors.InvalidArgumentError, match="the client's URL names none"):
        client.status()


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_tasks_of_an_event_loop(server, protocol):
    async def ask():
        async with AsyncClient(url(server, protocol, "/models/half")) as client:
            calls = [client.predict([float(i)], version=1) for i in range(20)]
            found = await asyncio.gather(*calls)
            with pytest.raises(errors.NotFoundError):
                await client.predict([1.0], version=9)
            return found, await client.signatures(), await client.status()

    found, signatures, status = asyncio.run(ask())
    assert [float(each["y"][0]) for each in found] == [i / 2 + 2 for i in range(20)]
    assert list(signatures) == ["serving_default"] and len(status) == 2


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_new_version_of_other_types_is_noticed(tmp_path, protocol):
    save(HalfPlusTwo(), tmp_path / "1")
    model = ModelConfig("m", str(tmp_path))
    with running(Options((model,), rest_port=0, grpc_port=0, poll_seconds=0)) as server:
        with Client(url(server, protocol, "/models/m")) as client:
            assert client.predict([1.0])["y"].dtype == np.float32
            several = Several()
            save(several, tmp_path / "2", {"serving_default": several.third})
            server.manager.update()
            found = client.predict([1.0])["y"]
            assert found.dtype == np.float64 and found[0] == 1 / 3
            assert client.predict([1.0], version=2)["y"] == 1 / 3
