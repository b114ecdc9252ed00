"""Cases: what is sent, made of a seed."""

import gzip
import json
import random
from typing import Any, NamedTuple

import ngh2
import numpy as np

import penstock as tf
from penstock._src.serving.protos import apis, config, grpc_services
from tests.fuzz.serving.mutating import damaged_bytes, damaged_json, damaged_message
from tests.serving.kit import example

# Requests as they should be: a path, and what is asked.
REST: tuple[tuple[str, Any], ...] = (
    ("/v1/models/half:predict", {"instances": [[1.0], [2.0], [5.0]]}),
    ("/v1/models/half/versions/1:predict", {"inputs": {"x": [[1.0], [2.0]]}}),
    ("/v1/models/half:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}]}),
    (
        "/v1/models/half:classify",
        {"signature_name": "classify_x_to_y", "context": {"x2": 1.0}, "examples": [{"x": [20.0]}]},
    ),
    (
        "/v1/models/several:predict",
        {
            "signature_name": "pairs",
            "instances": [{"a": [1, 2], "b": {"b64": "eA=="}}, {"a": [3, 4], "b": "y"}],
        },
    ),
    ("/v1/models/several:predict", {"signature_name": "image", "inputs": [[[[1, 2, 3]] * 2] * 4]}),
    (
        "/v1/models/several:predict",
        {"signature_name": "any", "inputs": {"any": [1.5, 2], "turn": True}},
    ),
    ("/v1/models/several:predict", {"signature_name": "gather", "instances": [[0, 1], [2, 3]]}),
    ("/v1/models/several:predict", {"signature_name": "strings", "instances": ["1.5", "22"]}),
)
PATHS = (
    "/v1/models/half",
    "/v1/models/half/metadata",
    "/v1/models/half/versions/1/metadata",
    "/v1/models/half/labels/stable",
    "/v1/models/../half",
    "/v1/models/half/versions/99999999999999999999",
    "/v1/models/%2e%2e%2fhalf:predict",
    "/v1/models/half%00:predict",
    "/",
    "*",
    "//",
    "/v1/models/" + "a" * 3000,
)
# Blanks, compressed; the last are 32 MB.
BOMBS = tuple(
    gzip.compress(b" " * size, 9, mtime=0) for size in (1 << 10, 1 << 15, 1 << 20, 1 << 25)
)
SERVICE = "/tensorflow.serving.PredictionService/"


class Case(NamedTuple):
    """What is sent.

    Args:
      kind: "rest", whose reply is waited for on a connection that goes on; "grpc", a call; "http" and "http2", bytes for a connection of their own.
      where: the path, or the method.
      data: the body, the message, or the bytes.
      headers: of REST, beside the length.
    """

    kind: str
    where: str
    data: bytes
    headers: bytes = b""


def case_of(seed: int) -> Case:
    """Returns the case of a seed."""
    made = random.Random(seed)
    draw = made.random()
    if draw < 0.72:
        return _rest(made)
    if draw < 0.9:
        return _grpc(made)
    return _http(made) if draw < 0.97 else _http2(made)


def _rest(made: random.Random) -> Case:
    path, value = made.choice(REST)
    kind = made.randrange(20)
    headers = b""
    if kind < 12:
        data = damaged_json(made, value)
    elif kind < 17:
        data = damaged_bytes(made, json.dumps(value).encode())
    else:
        data = gzip.compress(json.dumps(value).encode(), 1, mtime=0)
        if kind == 17:
            data = made.choices(BOMBS, (100, 100, 100, 1))[0]
        if kind == 18:
            data = damaged_bytes(made, data)
        headers = (
            b"Content-Encoding: " + made.choice((b"gzip", b"gzip", b"deflate", b"\xff")) + b"\r\n"
        )
    if made.random() < 0.03:
        path = made.choice(PATHS)
    return Case("rest", path, data, headers)


def _messages() -> dict[str, list[Any]]:
    """Messages as they should be, by method."""
    given = apis.Input()
    given.example_list_with_context.context.CopyFrom(example(x2=10.0))
    given.example_list_with_context.examples.extend([example(x=20.0), example(x=1.0)])

    def spec(signature: str, model: str = "half") -> Any:
        return apis.ModelSpec(name=model, signature_name=signature)

    def predict(model: str, signature: str, **inputs: Any) -> Any:
        request = apis.PredictRequest(model_spec=spec(signature, model))
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        return request

    multi = apis.MultiInferenceRequest(input=given)
    for name in ("regress", "classify"):
        multi.tasks.add(model_spec=spec(f"{name}_x_to_y"), method_name=f"tensorflow/serving/{name}")
    model_service = "/tensorflow.serving.ModelService/"
    return {
        SERVICE + "Predict": [
            predict("half", "", x=np.float32([[1], [2]])),
            predict("half", "", x=np.ones((100, 1), np.float32)),
            predict("several", "pairs", a=np.int32([[1, 2]]), b=[b"x"]),
            predict("several", "image", image=np.zeros((1, 4, 2, 3), np.uint8)),
            predict("several", "any", any=np.float64([1, 2]), turn=np.bool_(True)),
            predict("several", "gather", ids=np.int64([[0, 3]])),
            predict("several", "strings", x=[b"1.5", b"22"]),
        ],
        SERVICE + "Regress": [
            apis.RegressionRequest(model_spec=spec("regress_x_to_y"), input=given)
        ],
        SERVICE + "Classify": [
            apis.ClassificationRequest(model_spec=spec("classify_labels"), input=given)
        ],
        SERVICE + "MultiInference": [multi],
        SERVICE + "GetModelMetadata": [
            apis.GetModelMetadataRequest(model_spec=spec(""), metadata_field=["signature_def"])
        ],
        model_service + "GetModelStatus": [apis.GetModelStatusRequest(model_spec=spec(""))],
        model_service + "HandleReloadConfigRequest": [config.ReloadConfigRequest()],
        "/grpc.health.v1.Health/Check": [grpc_services.HealthCheckRequest(service="x")],
    }


MESSAGES = _messages()


def _grpc(made: random.Random) -> Case:
    methods = list(MESSAGES)
    method = made.choices(methods, [10 if "Prediction" in each else 1 for each in methods])[0]
    message = made.choice(MESSAGES[method])
    if "Reload" in method:  # what is well-formed would change what is served
        return Case("grpc", method, damaged_bytes(made, b"\x0a\x02\x0a\x00" * 3)[:3])
    if made.random() < 0.7:
        copied = type(message).FromString(message.SerializeToString())
        damaged_message(made, copied)
        return Case("grpc", method, copied.SerializeToString())
    return Case("grpc", method, damaged_bytes(made, message.SerializeToString(deterministic=True)))


def _http(made: random.Random) -> Case:
    path, value = made.choice(REST)
    body = json.dumps(value).encode()
    length = made.choice((len(body), len(body), 0, -1, 1 << 31, 1 << 63, 1 << 70, len(body) + 1))
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), length)
    chunked = b"POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    kind = made.randrange(8)
    if kind < 3:
        data = damaged_bytes(made, head + body)
    elif kind == 3:
        data = head + body[: made.randrange(len(body))]
    elif kind == 4:
        data = damaged_bytes(made, chunked % (path.encode(), len(body), body))
    elif kind == 5:
        upgrade = made.choice((b"websocket", b"h2c", b"\xff"))
        data = head[:-2] + b"Connection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n" + body
    elif kind == 6:
        more = b"".join(
            b"X-%d: %s\r\n" % (i, b"a" * made.choice((1, 100)))
            for i in range(made.choice((3, 300, 2000)))
        )
        data = head[:-2] + more + b"\r\n" + body
    else:
        method = made.choice(
            (b"GET", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b"M-SEARCH")
        )
        target = made.choice(PATHS + tuple(path for path, _ in REST)).encode()
        data = b"%s %s HTTP/%s\r\n\r\n" % (
            method,
            target,
            made.choice((b"1.1", b"1.0", b"0.9", b"2.0", b"9")),
        )
    return Case("http", path, data)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + (stream & 0xFFFFFFFF).to_bytes(4, "big") + payload


def _calls(made: random.Random) -> list[bytes]:
    """The frames of a client that calls methods, as they should be."""
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection()
    frames = [client.data_to_send()[len(PREFACE) :]]
    for _ in range(made.choice((1, 2, 5))):
        method = made.choice(list(MESSAGES))
        if "Reload" in method:
            continue
        message = made.choice(MESSAGES[method]).SerializeToString(deterministic=True)
        given = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "x"}
        given |= {"te": "trailers", "content-type": "application/grpc"}
        given |= made.choice(({}, {"grpc-timeout": "20S"}, {"grpc-encoding": "gzip"}))
        stream = client.send_request([(n.encode(), v.encode()) for n, v in given.items()])
        frames.append(client.data_to_send())
        is_compressed = made.random() < 0.3
        message = gzip.compress(message, 1, mtime=0) if is_compressed else message
        data = bytes([is_compressed]) + len(message).to_bytes(4, "big") + message
        cut = made.randrange(len(data))
        client.send_data(stream, data[:cut])
        frames.append(client.data_to_send())
        client.send_data(stream, data[cut:], end_stream=True)
        frames.append(client.data_to_send())
    return frames


def _http2(made: random.Random) -> Case:
    draw = made.random()
    if draw < 0.1:
        return Case("http2", "", made.randbytes(made.choice((1, 24, 1000))))
    if draw < 0.6:
        calls = _calls(made)
        for _ in range(made.choice((0, 1, 3))):
            at = made.randrange(len(calls))
            kind = made.randrange(4)
            if kind == 0:
                calls[at] = damaged_bytes(made, calls[at])
            elif kind == 1:
                calls.insert(at, calls[made.randrange(len(calls))])
            elif kind == 2:
                del calls[at]
                calls = calls or [b""]
            else:
                payload = made.randbytes(made.choice((0, 4, 5, 8)))
                calls.insert(
                    at,
                    frame(made.randrange(10), made.randrange(64), made.choice((0, 1, 3)), payload),
                )
        return Case("http2", "", PREFACE + b"".join(calls))
    frames = [frame(4, 0, 0, b"")]
    for _ in range(made.choice((1, 3, 10, 100))):
        payload = made.randbytes(made.choice((0, 1, 4, 5, 8, 20, 200)))
        stream = made.choice((0, 1, 1, 2, 3, 0x7FFFFFFF, 0xFFFFFFFF))
        frames.append(frame(made.choice((*range(10), 255)), made.randrange(256), stream, payload))
    data = PREFACE + b"".join(frames)
    return Case("http2", "", damaged_bytes(made, data) if made.random() < 0.3 else data)
