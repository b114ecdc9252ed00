"""The Open Inference Protocol over gRPC, called with our own messages."""

import grpc
import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.protos.open_inference import METHODS
from penstock.serving import running
from tests.serving.kit import HalfPlusTwo, save


class Halves(HalfPlusTwo):
    """Also with float16 and integers."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float16, name="a"),
            tf.TensorSpec([None], tf.uint8, name="b"),
        ]
    )
    def narrow(self, a, b):
        return {"a": a * 2, "b": b + tf.constant(1, tf.uint8)}


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """`reply = call(method, **fields)`."""
    module = Halves()
    names = {"serving_default": module.__call__, "narrow": module.narrow}
    folder = save(module, tmp_path_factory.mktemp("models") / "2", names)
    options = Options((ModelConfig("half", folder),), rest_port=-1, grpc_port=0)
    with (
        running(options) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):

        def call(method, **fields):
            request, reply = METHODS[method]
            path = f"/inference.GRPCInferenceService/{method}"
            stub = channel.unary_unary(path, None, reply.FromString)
            return stub(request(**fields).SerializeToString(), timeout=120)

        yield call


def infer(call, *inputs, signature=None, **more):
    parameters = {} if signature is None else {"signature_name": {"string_param": signature}}
    return call("ModelInfer", model_name="half", inputs=inputs, parameters=parameters, **more)


def tensor(datatype, shape, name="x", **contents):
    return {"name": name, "datatype": datatype, "shape": shape, "contents": contents}


def test_health_and_metadata(call):
    assert call("ServerLive").live and call("ServerReady").ready
    assert list(call("ServerMetadata").extensions) == ["binary_tensor_data"]
    assert call("ModelReady", name="half").ready
    assert not call("ModelReady", name="half", version="9").ready
    about = call("ModelMetadata", name="half")
    assert list(about.versions) == ["1"]
    assert [(t.name, t.datatype, list(t.shape)) for t in about.inputs] == [("x", "FP32", [-1])]


def test_typed_contents(call):
    reply = infer(call, tensor("FP32", [3], fp32_contents=[1, 2, 5]), id="7")
    (output,) = reply.outputs
    assert (reply.id, output.datatype, list(output.shape)) == ("7", "FP32", [3])
    assert list(output.contents.fp32_contents) == [2.5, 3.0, 4.5]


def test_raw_contents(call):
    raw = np.float32([1, 2]).tobytes()
    reply = infer(call, tensor("FP32", [2]), raw_input_contents=[raw])
    assert np.frombuffer(reply.raw_output_contents[0], np.float32).tolist() == [2.5, 3.0]


def test_types_without_a_field_come_as_bytes(call):
    inputs = tensor("FP16", [1], "a"), tensor("UINT8", [1], "b")
    raw = [np.float16([1.5]).tobytes(), b"\x07"]
    reply = infer(call, *inputs, signature="narrow", raw_input_contents=raw)
    found = dict(zip([o.name for o in reply.outputs], reply.raw_output_contents, strict=True))
    assert found == {"a": np.float16([3.0]).tobytes(), "b": b"\x08"}


@pytest.mark.parametrize(
    ("inputs", "more", "says"),
    [
        ([tensor("FP64", [1], fp64_contents=[1])], {}, "is of type FP32"),
        ([tensor("FP32", [2], fp32_contents=[1])], {}, "expected as many fp32_contents"),
        ([tensor("FP32", [2])], {"raw_input_contents": [b"123"]}, "has 8 bytes"),
        ([tensor("FP32", [2])], {"raw_input_contents": [b"", b""]}, "expected one for each"),
        ([tensor("FP16", [1], "a"), tensor("UINT8", [1], "b", uint_contents=[7])], {"signature": "narrow"}, "raw_input_contents"),
        ([tensor("FP32", [-1])], {}, "not negative"),
    ],
)  # fmt: skip
def test_bad_requests(call, inputs, more, says):
    with pytest.raises(grpc.RpcError) as found:
        infer(call, *inputs, **more)
    assert found.value.code().name == "INVALID_ARGUMENT" and says in found.value.details()
