"""The gRPC services, called with our own messages."""

import pathlib

import grpc
import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.schema import POOL
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.protos import apis, config, grpc_services
from penstock._src.serving.trust.limits import Limits
from tests.serving.kit import Rest, example, save_half_plus_two_of_v1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models") / "half"
    save_half_plus_two_of_v1(root / "00000123")
    models = (ModelConfig("half", str(root), labels={"stable": 123}),)
    with running(
        Options(
            models,
            rest_port=0,
            grpc_port=0,
            limits=Limits(max_tensor_bytes=1 << 20, max_body_bytes=1 << 24),
        )
    ) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture
def call(channel):
    """`reply = call(method, request)` for a unary method of any service."""

    def call(method, request):
        (service, reply) = next(
            (service, methods[method][1])
            for service, methods in grpc_services.METHODS.items()
            if method in methods
        )
        stub = channel.unary_unary(f"/{service}/{method}", None, reply.FromString)
        data = request if isinstance(request, bytes) else request.SerializeToString()
        return stub(data, timeout=120)

    return call


def predict_request(x, **spec):
    request = apis.PredictRequest(model_spec=apis.ModelSpec(**{"name": "half", **spec}))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))
    return request


def refused(call, method, request):
    with pytest.raises(grpc.RpcError) as found:
        call(method, request)
    return found.value.code().name, found.value.details()


def test_predict(call):
    reply = call("Predict", predict_request(np.float32([[1], [2], [5]])))
    assert list(reply.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    np.testing.assert_array_equal(tf.make_ndarray(reply.outputs["y"]), [[2.5], [3.0], [4.5]])
    assert reply.model_spec.version.value == 123
    assert reply.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("count", [0, 1, 31, 32, 5000])
def test_tensors_of_all_sizes_and_forms(call, count):
    x = np.random.default_rng(count).standard_normal((count, 1)).astype(np.float32)
    by_content = predict_request(x)
    by_value = predict_request(x)
    proto = by_value.inputs["x"]
    proto.ClearField("tensor_content")
    proto.ClearField("float_val")
    proto.float_val.extend(x.ravel().tolist())
    expected = x * np.float32(0.5) + np.float32(2)
    for request in (by_content, by_value):
        reply = call("Predict", request)
        np.testing.assert_array_equal(tf.make_ndarray(reply.outputs["y"]), expected)


def test_vectors_are_taken_for_columns(server, call):
    reply = call("Predict", predict_request(np.float32([1, 2, 5])))
    assert tf.make_ndarray(reply.outputs["y"]).tolist() == [2.5, 3.0, 4.5]
    documented = {"instances": [1.0, 2.0, 5.0]}
    status, reply = Rest(server.rest_port)("/v1/models/half:predict", documented)
    assert (status, reply) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_one_value_for_many(call):
    request = predict_request(np.ones((40, 1), np.float32))
    del request.inputs["x"].float_val[1:]
    request.inputs["x"].tensor_content = b""
    request.inputs["x"].float_val[:] = [4.0]
    reply = call("Predict", request)
    assert tf.make_ndarray(reply.outputs["y"]).tolist() == [[4.0]] * 40


def test_a_filter_of_outputs(call):
    request = predict_request(np.float32([[1]]))
    request.output_filter.append("y")
    assert list(call("Predict", request).outputs) == ["y"]
    request.output_filter[0] = "z"
    code, details = refused(call, "Predict", request)
    assert code == "INVALID_ARGUMENT" and "alias not found in signature: z" in details


def test_requests_choose_versions_by_labels(call):
    reply = call("Predict", predict_request(np.float32([[1]]), version_label="stable"))
    assert reply.model_spec.version.value == 123
    request = predict_request(np.float32([[1]]), version_label="canary")
    code, details = refused(call, "Predict", request)
    assert code == "INVALID_ARGUMENT" and "Unrecognized servable version label: canary" in details


def input_of(*examples):
    made = apis.Input()
    made.example_list.examples.extend(examples)
    return made


def spec(signature):
    return apis.ModelSpec(name="half", signature_name=signature)


def test_regress(call):
    request = apis.RegressionRequest(
        model_spec=spec("regress_x_to_y"), input=input_of(example(x=80.0), example(x=20.0))
    )
    reply = call("Regress", request)
    assert [r.value for r in reply.result.regressions] == [42.0, 12.0]


def test_classify(call):
    request = apis.ClassificationRequest(
        model_spec=spec("classify_labels"), input=input_of(example(x=20.0), example(x=1.0))
    )
    rows = call("Classify", request).result.classifications
    found = [[(c.label, c.score) for c in row.classes] for row in rows]
    assert found == [[("20.0", 20.0), ("12.0", 12.0)], [("1.0", 1.0), ("2.5", 2.5)]]


def test_context_is_added_to_examples(call):
    given = apis.Input()
    given.example_list_with_context.context.CopyFrom(example(x=80.0, x2=10.0))
    given.example_list_with_context.examples.extend([example(x2=20.0), example()])
    request = apis.RegressionRequest(model_spec=spec("regress_x2_to_y3"), input=given)
    assert [r.value for r in call("Regress", request).result.regressions] == [13.0, 8.0]


def test_multi_inference(call):
    request = apis.MultiInferenceRequest(input=input_of(example(x=80.0)))
    for kind, signature in (("regress", "regress_x_to_y"), ("classify", "classify_x_to_y")):
        request.tasks.add(model_spec=spec(signature), method_name=f"tensorflow/serving/{kind}")
    first, second = call("MultiInference", request).results
    assert first.regression_result.regressions[0].value == 42.0
    assert second.classification_result.classifications[0].classes[0].score == 42.0
    assert first.model_spec.signature_name == "regress_x_to_y"


def test_metadata(call):
    request = apis.GetModelMetadataRequest(model_spec=spec(""), metadata_field=["signature_def"])
    reply = call("GetModelMetadata", request)
    found = apis.SignatureDefMap()
    assert reply.metadata["signature_def"].Unpack(found)
    assert found.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum
    assert found.signature_def["regress_x_to_y"].method_name == "tensorflow/serving/regress"


def test_the_status_of_unknown_models_is_not_found(call):
    (status,) = call(
        "GetModelStatus", apis.GetModelStatusRequest(model_spec=spec(""))
    ).model_version_status
    assert (status.version, status.state) == (123, apis.State.Value("AVAILABLE"))
    request = apis.GetModelStatusRequest(model_spec=apis.ModelSpec(name="none"))
    assert refused(call, "GetModelStatus", request)[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    "request_, code, text",
    [
        (b"\x0a\xff", "INVALID_ARGUMENT", "not a valid PredictRequest message"),
        (b"", "INVALID_ARGUMENT", "Missing ModelSpec"),
        (predict_request(np.float32([[1]]), name="no"), "NOT_FOUND", "Latest(no)"),
        (predict_request([[1]]), "INVALID_ARGUMENT", "is of type float32. Received int32"),
        (predict_request(np.float32([[1, 2]])), "INVALID_ARGUMENT", "has the shape [-1, 1]"),
        (predict_request(np.zeros((300_000, 1), "f")), "RESOURCE_EXHAUSTED", "1,200,000 bytes"),
        (
            predict_request(np.float32([[1]]), signature_name="s"),
            "INVALID_ARGUMENT",
            'signature key "s" not found',
        ),
    ],
)
def test_requests_that_are_refused(call, request_, code, text):
    found, details = refused(call, "Predict", request_)
    assert found == code and text in details


def test_sizes_that_lie(call):
    request = predict_request(np.float32([[1]]))
    for sizes in ([1 << 60, 1 << 60], [-1, 1], [7, 1]):
        proto = request.inputs["x"]
        proto.Clear()
        proto.dtype = 1
        proto.tensor_content = b"\0\0\0\0"
        for size in sizes:
            proto.tensor_shape.dim.add(size=size)
        assert refused(call, "Predict", request)[0] in ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT")


def test_compressed_messages(server):
    request = predict_request(np.zeros((1, 1), np.float32)).SerializeToString()
    bomb = b"\x0a" + bytes(server.options.limits.max_body_bytes)
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options) as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        assert predict(request, compression=grpc.Compression.Gzip)
        with pytest.raises(grpc.RpcError) as found:
            predict(bomb, compression=grpc.Compression.Gzip)
    assert found.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_signature_of_another_kind(call):
    request = apis.ClassificationRequest(model_spec=spec(""), input=input_of(example(x=1.0)))
    code, details = refused(call, "Classify", request)
    assert code == "INVALID_ARGUMENT"
    assert "to be tensorflow/serving/classify. Was: tensorflow/serving/predict" in details


def test_reload_serves_other_models(server, call):
    (half,) = server.manager.configs()
    models = pathlib.Path(half.base_path).parent
    save_half_plus_two_of_v1(models / "other" / "7")
    request = config.ReloadConfigRequest()
    entries = request.config.model_config_list.config
    entries.add(name="half", base_path=half.base_path)
    entries.add(name="other", base_path=str(models / "other"), model_platform="tensorflow")
    assert call("HandleReloadConfigRequest", request).status.error_code == 0
    assert (
        call("Predict", predict_request(np.float32([[1]]), name="other")).outputs["y"].float_val[0]
        == 2.5
    )
    entries[1].base_path = str(models / "none")
    entries[1].name = "missing"
    code, details = refused(call, "HandleReloadConfigRequest", request)
    assert code == "FAILED_PRECONDITION" and "missing" in details
    assert (
        refused(call, "Predict", predict_request(np.float32([[1]]), name="other"))[0] == "NOT_FOUND"
    )


def test_health_is_checked_and_watched(call, channel):
    reply = call("Check", grpc_services.HealthCheckRequest())
    assert reply.status == 1
    watch = channel.unary_stream(
        "/grpc.health.v1.Health/Watch", None, grpc_services.HealthCheckResponse.FromString
    )
    states = watch(b"")
    assert next(states).status == 1
    states.cancel()
    assert refused(call, "Check", grpc_services.HealthCheckRequest(service="x"))[0] == "NOT_FOUND"


@pytest.mark.parametrize("version", grpc_services.REFLECTION)
def test_reflection(channel, version):
    schema = grpc_services.REFLECTION[version]
    request, reply = schema.many("ServerReflectionRequest ServerReflectionResponse")
    method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    ask = channel.stream_stream(method, None, reply.FromString)
    service = "tensorflow.serving.PredictionService"
    questions = [
        request(list_services="*"),
        request(file_containing_symbol=service),
        request(file_containing_symbol="no.Such"),
    ]
    listed, files, unknown = ask(q.SerializeToString() for q in questions)
    assert service in [entry.name for entry in listed.list_services_response.service]
    held = files.file_descriptor_response.file_descriptor_proto
    assert POOL.FindServiceByName(service).file.serialized_pb in held and len(held) > 3
    assert unknown.error_response.error_code == 5


def test_rest_speaks_of_the_same(server):
    rest = Rest(server.rest_port)
    examples = {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}, {"x": [20.0]}]}
    assert rest("/v1/models/half:regress", examples) == (200, {"result": [42.0, 12.0]})
    asked = {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}]}
    assert rest("/v1/models/half:classify", asked) == (200, {"result": [[["", 12.0]]]})
    asked["context"] = {"x": 2.0}
    asked["examples"] = [{}]
    assert rest("/v1/models/half:classify", asked) == (200, {"result": [[["", 3.0]]]})
    status, reply = rest("/v1/models/half/metadata")
    (dim, _) = reply["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"][
        "x"
    ]["tensor_shape"]["dim"]
    assert (status, dim, reply["model_spec"]["version"]) == (200, {"size": "-1", "name": ""}, "123")
    available = {
        "model_version_status": [
            {
                "version": "123",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("/v1/models/half", "/v1/models/half/versions/123"):
        assert rest(path) == (200, available)
    assert rest("/v1/models/none")[0] == 404
