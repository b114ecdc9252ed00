"""REST :predict: rows, columns, dtypes, errors."""

import base64
import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.trust.limits import Limits
from tests.serving.kit import HalfPlusTwo, Rest, save


class Several(tf.Module):
    """Functions of several inputs and outputs."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([None], tf.string)]
    )
    def pairs(self, a, b):
        return {"total": tf.reduce_sum(a, 1), "text": b + "!", "raw_bytes": b}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    def reciprocal(self, x):
        return {"y": 1.0 / x, "kind": tf.constant([1, 2])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.bool, name="x")])
    def invert(self, x):
        return {"y": tf.logical_not(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def positive(self, x):
        tf.debugging.assert_positive(x, "x is not positive")
        return {"y": tf.sqrt(x)}


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "123")
    several = Several()
    names = "pairs", "reciprocal", "invert", "positive"
    save(several, root / "several" / "1", {name: getattr(several, name) for name in names})
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "several"))
    options = Options(models, rest_port=0, grpc_port=-1, limits=Limits(max_body_bytes=20_000))
    with running(options) as server:
        yield Rest(server.rest_port)


def test_the_documented_reply(rest):
    asked = {"instances": [1.0, 2.0, 5.0]}
    assert rest("/v1/models/half:predict", asked) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_a_version_is_asked_for_by_number(rest):
    asked = {"instances": [4]}
    assert rest("/v1/models/half/versions/123:predict", asked) == (200, {"predictions": [4.0]})
    status, reply = rest("/v1/models/half/versions/9:predict", asked)
    assert (status, reply) == (404, {"error": "Servable not found for request: Specific(half, 9)"})


def test_columns(rest):
    for inputs in ([1.0, 2.0], {"x": [1.0, 2.0]}):
        reply = rest("/v1/models/half:predict", {"inputs": inputs})
        assert reply == (200, {"outputs": [2.5, 3.0]})


def test_several_inputs_and_outputs(rest):
    rows = [{"a": [1, 2], "b": "x"}, {"a": [3, 4], "b": {"b64": base64.b64encode(b"y").decode()}}]
    status, reply = rest(
        "/v1/models/several:predict", {"signature_name": "pairs", "instances": rows}
    )
    assert status == 200
    assert reply["predictions"] == [
        {"total": 3, "text": "x!", "raw_bytes": {"b64": "eA=="}},
        {"total": 7, "text": "y!", "raw_bytes": {"b64": "eQ=="}},
    ]
    columns = {"a": [[1, 2], [3, 4]], "b": ["x", "y"]}
    status, reply = rest(
        "/v1/models/several:predict", {"signature_name": "pairs", "inputs": columns}
    )
    assert (status, reply["outputs"]["total"]) == (200, [3, 7])


def test_floats_come_back_bit_for_bit(rest):
    x = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    status, reply = rest("/v1/models/half:predict", {"instances": [float(v) for v in x]})
    assert status == 200
    np.testing.assert_array_equal(np.array(reply["predictions"], np.float32), HalfPlusTwo()(x)["y"])


def test_numbers_that_are_not_finite(rest):
    asked = b'{"signature_name": "reciprocal", "inputs": 0.0}'
    status, reply = rest("/v1/models/several:predict", asked)
    assert (status, reply) == (200, {"outputs": {"y": float("inf"), "kind": [1, 2]}})
    asked = b'{"instances": [NaN, -Infinity, 0.1]}'
    status, reply = rest("/v1/models/half:predict", asked)
    assert status == 200
    np.testing.assert_array_equal(
        np.array(reply["predictions"], np.float32), np.float32([np.nan, -np.inf, 2.05])
    )


def test_booleans(rest):
    asked = {"signature_name": "invert", "instances": [True, False]}
    assert rest("/v1/models/several:predict", asked) == (200, {"predictions": [False, True]})


def test_outputs_without_rows_need_columns(rest):
    asked = {"signature_name": "reciprocal", "instances": [2.0]}
    status, reply = rest("/v1/models/several:predict", asked)
    assert status == 400 and "has the shape []" in reply["error"]


def test_an_operation_that_refuses_its_values(rest):
    asked = {"signature_name": "positive", "instances": [1.0, -1.0]}
    status, reply = rest("/v1/models/several:predict", asked)
    assert status == 400 and "x is not positive" in reply["error"]
    assert ".py" not in reply["error"]  # where the program stands is no client's business
    asked = {"signature_name": "positive", "instances": [4.0]}
    assert rest("/v1/models/several:predict", asked) == (200, {"predictions": [2.0]})


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"[1]", "not a JSON object"),
        (b'{"instances": [NaN], "signature_name": "\\ud800"}', "surrogates not allowed"),
        (b"{}", "expects one of the keys"),
        (b'{"instances": [1], "inputs": [1]}', "expects one of the keys"),
        (b'{"instances": 3}', "expects a non-empty list"),
        (b'{"instances": []}', "expects a non-empty list"),
        (b'{"instances": [[1.0], 2.0]}', "unequal lengths"),
        (b'{"instances": [[1.0]]}', "has the shape [-1]. Received [1, 1]"),
        (b'{"instances": ["1.0"]}', "Received a string"),
        (b'{"instances": [null]}', "Received null"),
        (b'{"instances": [true]}', "Received true or false"),
        (b'{"instances": [1.5, true]}', "Received true or false"),
        (b'{"instances": [1e39]}', "out of its range"),
        (b'{"instances": [{"x": 1}, {"y": 1}]}', "element: 1"),
        (b'{"instances": [{"y": 1}]}', "takes ['x']. Received 'y'"),
        (b'{"instances": [1], "signature_name": "no"}', 'Serving signature key "no" not found'),
        (b'{"instances": [1], "signature_name": 3}', "must be a string"),
    ],
)
def test_requests_that_are_refused(rest, body, message):
    status, reply = rest("/v1/models/half:predict", body)
    assert status == 400
    assert list(reply) == ["error"] and message in reply["error"]


@pytest.mark.parametrize(
    "value, message",
    [
        ([1.5, 2], "not a 64-bit integer"),
        ([2**31, 0], "out of its range"),
        ([2**70, 0], "not a 64-bit integer"),
    ],
)
def test_integers_are_not_rounded(rest, value, message):
    inputs = {"a": [value], "b": ["x"]}
    status, reply = rest(
        "/v1/models/several:predict", {"signature_name": "pairs", "inputs": inputs}
    )
    assert status == 400 and message in reply["error"]


@pytest.mark.parametrize("text", ["!", "eA=", "ÿ", "\u0000", "e A=="])
def test_strings_that_are_not_base64(rest, text):
    inputs = {"a": [[1, 2]], "b": [{"b64": text}]}
    status, reply = rest(
        "/v1/models/several:predict", {"signature_name": "pairs", "inputs": inputs}
    )
    assert status == 400 and "base64" in reply["error"]


def test_unequal_numbers_of_rows(rest):
    inputs = {"a": [[1, 2]], "b": ["x", "y"]}
    status, reply = rest(
        "/v1/models/several:predict", {"signature_name": "pairs", "inputs": inputs}
    )
    assert status == 400 and "one number of rows" in reply["error"]


def test_paths_that_are_nothing(rest):
    assert rest("/v1/models/none:predict", {"instances": [1]})[0] == 404
    assert rest("/nothing")[0] == 404
    assert rest("/v1/models/half:predict")[0] == 400  # GET


def test_a_body_that_is_too_large(rest):
    body = json.dumps({"instances": [0.5] * 10_000}).encode()
    status, reply = rest("/v1/models/half:predict", body)
    assert status == 429 and "20,000 bytes" in reply["error"]
