"""What a server counts, at the path where Prometheus asks for it."""

import re
import time
import urllib.error
import urllib.request

import pytest

from penstock._src.core import errors
from penstock._src.serving.client.client import Client
from penstock._src.serving.models.config import METRICS_PATH, ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import HalfPlusTwo, Rest, save, save_half_plus_two_of_v1

pytestmark = pytest.mark.timed

LINE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]+="[^"]*"(,[a-zA-Z_]+="[^"]*")*\})? (-?[0-9.e+-]+|[+-]Inf|NaN)'
)


def metrics(port, path=METRICS_PATH):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as reply:
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        text = reply.read().decode()
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(row) for row in rows)
    return {name: float(value) for name, value in (row.rsplit(" ", 1) for row in rows)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    save_half_plus_two_of_v1(root / "first" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "first"))
    with running(Options(models, rest_port=0, grpc_port=0)) as started:
        yield started


def grown(server, work, runs=0):
    """What the metrics grew by while `work()` ran; batches are counted once their requests are answered, so this many runs are waited for."""
    before = metrics(server.rest_port)
    work()
    end = time.monotonic() + 30
    while True:
        after = metrics(server.rest_port)
        found = {n: v - before.get(n, 0) for n, v in after.items() if v != before.get(n, 0)}
        if found.get(":tensorflow:core:graph_runs", 0) >= runs or time.monotonic() > end:
            return found


def test_requests_of_both_protocols(server):
    def work():
        for url in (f"http://127.0.0.1:{server.rest_port}", f"grpc://127.0.0.1:{server.grpc_port}"):
            with Client(url) as client:
                for _ in range(3):
                    client.predict([1.0, 2.0], model="half")

    found = grown(server, work, runs=6)
    assert found[':tensorflow:serving:request_count{model_name="half",status="OK"}'] == 6
    for entrypoint in ("REST", "GRPC"):
        labels = f'{{model_name="half",API="Predict",entrypoint="{entrypoint}"}}'
        assert found[f":tensorflow:serving:request_latency_count{labels}"] == 3
        assert 10 < found[f":tensorflow:serving:request_latency_sum{labels}"] < 3e7
    assert found[":tensorflow:core:graph_runs"] == 6
    assert found[":tensorflow:core:graph_run_input_tensor_bytes_sum"] == 6 * 8
    assert found[":tensorflow:core:graph_run_output_tensor_bytes_sum"] == 6 * 8
    labels = '{model_name="half",op_name="serving_default"}'
    assert found[f":tensorflow:serving:batching:processed_batch_size_sum{labels}"] == 12
    for phase in ("queue", "batch", "compute"):
        labels = f'{{model_name="half",signature="serving_default",phase="{phase}"}}'
        assert found[f"penstock_serving_phase_seconds_count{labels}"] == 6
    labels = '{model_name="half",API="Predict",runtime="TF1"}'
    assert found[f":tensorflow:serving:runtime_latency_count{labels}"] == 6


def test_failed_requests(server):
    rest = Rest(server.rest_port)

    def work():
        rest("/v1/models/half:predict", {"instances": ["a"]})
        rest("/v1/models/half/versions/9:predict", {"instances": [1.0]})
        rest("/v1/models/none:predict", {"instances": [1.0]})
        with Client(f"grpc://127.0.0.1:{server.grpc_port}/models/half/versions/9") as client:
            with pytest.raises(errors.NotFoundError):
                client.predict([1.0])

    found = {k: v for k, v in grown(server, work).items() if "request_count" in k}
    name = ":tensorflow:serving:request_count"
    assert found == {
        f'{name}{{model_name="half",status="INVALID_ARGUMENT"}}': 1,
        f'{name}{{model_name="half",status="NOT_FOUND"}}': 1,
        f'{name}{{model_name="(unknown)",status="NOT_FOUND"}}': 1,
    }


def test_examples(server):
    asked = {"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}, {"x": 2.0}]}
    found = grown(server, lambda: Rest(server.rest_port)("/v1/models/first:regress", asked), 1)
    assert found[':tensorflow:serving:request_example_count_total{model="first"}'] == 2
    labels = '{model_name="first",API="Regress",entrypoint="REST"}'
    assert found[f":tensorflow:serving:request_latency_count{labels}"] == 1


def test_loading_and_states(server):
    found = metrics(server.rest_port)
    loads = [n for n in found if n.startswith(":tensorflow:cc:saved_model:load_attempt_count")]
    assert len(loads) == 2 and all('status="success"' in name for name in loads)
    assert sum(n.startswith(":tensorflow:serving:model_warmup_latency_count") for n in found) == 2
    state = '{model_name="half",version="1",state="AVAILABLE"}'
    assert found[f"penstock_serving_model_versions{state}"] == 1
    queue = '{model_name="half",version="1",signature="serving_default"}'
    assert found[f"penstock_serving_queued_requests{queue}"] == 0
    labels = '{model_name="half",op_name="serving_default"}'
    assert found[f":tensorflow:serving:batching:max_batch_size{labels}"] == 64
    assert found["penstock_serving_processes"] == 1 and found["penstock_arena_bytes"] > 0
    assert sum(v for n, v in found.items() if n.startswith("penstock_kernels_total")) > 0


def test_other_paths(tmp_path):
    save(HalfPlusTwo(), tmp_path / "1")
    model = ModelConfig("half", str(tmp_path))
    for path in ("/m", ""):
        options = Options((model,), rest_port=0, grpc_port=-1, metrics_path=path)
        with running(options) as server:
            with pytest.raises(urllib.error.HTTPError, match="404"):
                metrics(server.rest_port)
            if path:
                assert metrics(server.rest_port, path)["penstock_serving_processes"] == 1
