"""The Open Inference Protocol over REST: metadata, JSON, binary tensors, errors."""

import json
import struct
import urllib.error
import urllib.request

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.serving.kit import HalfPlusTwo, Rest, save


class Texts(tf.Module):
    """Strings and halves."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None, 2], tf.float16, name="pair"),
        ]
    )
    def __call__(self, text, pair):
        return {"shout": text + "!", "double": pair * 2}


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "3")
    save(Texts(), root / "texts" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "texts"))
    with running(Options(models, rest_port=0, grpc_port=-1)) as server:
        yield Rest(server.rest_port)


def tensor(data, shape=None, datatype="FP32", name="x", **parameters):
    made = {"name": name, "datatype": datatype, "shape": shape or [len(data)]}
    return {**made, **({"parameters": parameters} if parameters else {"data": data})}


def infer(rest, *inputs, model="half", **more):
    return rest(f"/v2/models/{model}/infer", {"inputs": list(inputs), **more})


def infer_binary(rest, request, tail, model="half"):
    """The JSON and the bytes of a reply to a request with bytes."""
    text = json.dumps(request).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    asked = urllib.request.Request(f"{rest.url}/v2/models/{model}/infer", text + tail, headers)
    with urllib.request.urlopen(asked) as reply:
        body, length = reply.read(), reply.headers["Inference-Header-Content-Length"]
    length = len(body) if length is None else int(length)
    return json.loads(body[:length]), body[length:]


def test_health_and_metadata(rest):
    assert rest("/v2/health/live") == (200, {"live": True})
    assert rest("/v2/health/ready") == (200, {"ready": True})
    assert rest("/v2")[1]["extensions"] == ["binary_tensor_data"]
    assert rest("/v2/models/half/ready") == (200, {"name": "half", "ready": True})
    status, about = rest("/v2/models/half/versions/3")
    assert status == 200 and about["versions"] == ["3"]
    assert about["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1]}]
    assert rest("/v2/models/half/versions/4/ready")[0] == 404


def test_inference_of_json_tensors(rest):
    status, reply = infer(rest, tensor([1.0, 2.0, 5.0]), id="7")
    output = {"name": "y", "datatype": "FP32", "shape": [3], "data": [2.5, 3.0, 4.5]}
    expected = {"model_name": "half", "model_version": "3", "id": "7", "outputs": [output]}
    assert (status, reply) == (200, expected)


def test_nested_and_flat_data(rest):
    text = tensor(["a"], datatype="BYTES", name="text")
    for data in ([1.5, 2.0], [[1.5, 2.0]]):
        pair = tensor(data, [1, 2], "FP16", "pair")
        status, reply = infer(rest, text, pair, model="texts", outputs=[{"name": "double"}])
        assert status == 200 and [o["data"] for o in reply["outputs"]] == [[3.0, 4.0]]


def test_binary_tensors(rest):
    pair = np.float16([[1, 2], [3, 4]])
    texts = b"".join(struct.pack("<I", len(t)) + t for t in (b"a", b"\xff\x00"))
    inputs = [
        tensor(None, [2], "BYTES", "text", binary_data_size=len(texts)),
        tensor(None, [2, 2], "FP16", "pair", binary_data_size=8),
    ]
    request = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    reply, tail = infer_binary(rest, request, texts + pair.tobytes(), "texts")
    found = {}
    for output in reply["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found[output["name"]], tail = tail[:size], tail[size:]
    assert (
        not tail
        and found["shout"] == struct.pack("<I", 2) + b"a!" + struct.pack("<I", 3) + b"\xff\x00!"
    )
    np.testing.assert_array_equal(
        np.frombuffer(found["double"], np.float16).reshape(2, 2), pair * 2
    )


def test_one_output_as_bytes(rest):
    asked = {"name": "y", "parameters": {"binary_data": True}}
    reply, tail = infer_binary(rest, {"inputs": [tensor([4.0])], "outputs": [asked]}, b"")
    assert reply["outputs"][0]["parameters"] == {"binary_data_size": 4}
    assert np.frombuffer(tail, np.float32).tolist() == [4.0]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"datatype": "FP64"}, "is of type FP32"),
        ({"name": "z"}, "Received 'z'"),
        ({"shape": [3]}, "expected as many data"),
        ({"shape": [-1]}, "integers that are not negative"),
        ({"data": 1.0}, "expected a list"),
        ({"data": ["a", "b"]}, "Received a string"),
        ({"parameters": {"binary_data_size": 8}}, "0 bytes are left"),
    ],
)
def test_bad_tensors(rest, changed, says):
    status, reply = infer(rest, {**tensor([1.0, 2.0]), **changed})
    assert status == 400 and says in reply["error"]


def test_bad_requests(rest):
    assert "'inputs'" in rest("/v2/models/half/infer", {})[1]["error"]
    status, reply = infer(rest, tensor([1.0]), outputs=[{"name": "nothing"}])
    assert status == 400 and "no output 'nothing'" in reply["error"]
    status, reply = infer(rest, tensor([1.0]), parameters={"signature_name": "nothing"})
    assert status == 400 and "nothing" in reply["error"]
    request = {"inputs": [tensor(None, [1], binary_data_size=4)]}
    for tail, says in ((b"123", "3 bytes are left"), (b"12345", "1 bytes belong to no input")):
        with pytest.raises(urllib.error.HTTPError) as found:
            infer_binary(rest, request, tail)
        assert says in json.load(found.value)["error"]
