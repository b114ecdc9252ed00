"""A server is ready once all models that it began with have answered; probes keep requests from it until then."""

import shutil
import time

import grpc
import pytest

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.protos.grpc_services import HealthCheckRequest, HealthCheckResponse
from tests.serving.kit import HalfPlusTwo, Rest, save

READY = "/v2/health/ready"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A version that is copied into models' folders."""
    return save(HalfPlusTwo(), tmp_path_factory.mktemp("made") / "1")


def served(models, **options):
    return running(Options(tuple(models), rest_port=0, grpc_port=0, **options))


def grpc_health(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.unary_unary("/grpc.health.v1.Health/Check")
        reply = HealthCheckResponse.FromString(call(HealthCheckRequest().SerializeToString()))
        return HealthCheckResponse.ServingStatus.Name(reply.status)


def test_a_server_whose_model_is_refused_lives_and_is_not_ready(made, tmp_path):
    shutil.copytree(made, tmp_path / "half" / "1")
    models = [ModelConfig("half", str(tmp_path / "half"))]
    with served(models, memory_budget=1) as server:
        rest = Rest(server.rest_port)
        assert rest("/v2/health/live") == (200, {"live": True})
        status, reply = rest(READY)
        assert (status, "one of its models has not been loaded" in reply["error"]) == (503, True)
        assert grpc_health(server) == "NOT_SERVING"


def test_a_server_becomes_ready_when_its_last_model_comes(made, tmp_path):
    shutil.copytree(made, tmp_path / "a" / "1")
    (tmp_path / "b").mkdir()
    models = [ModelConfig(name, str(tmp_path / name)) for name in "ab"]
    with served(models, poll_seconds=0.05) as server:
        rest = Rest(server.rest_port)
        assert rest(READY)[0] == 503
        assert rest("/v1/models/a:predict", {"instances": [2.0]})[1] == {"predictions": [3.0]}
        shutil.copytree(made, tmp_path / "copied")
        (tmp_path / "copied").rename(tmp_path / "b" / "1")
        until = time.monotonic() + 60
        while rest(READY)[0] == 503 and time.monotonic() < until:
            time.sleep(0.05)
        assert rest(READY) == (200, {"ready": True})
        assert grpc_health(server) == "SERVING"


def test_a_ready_server_stays_ready_when_a_further_model_does_not_load(made, tmp_path):
    shutil.copytree(made, tmp_path / "a" / "1")
    with served([ModelConfig("a", str(tmp_path / "a"))]) as server:
        rest = Rest(server.rest_port)  # nobody has asked before
        server.manager.add(ModelConfig("gone", str(tmp_path / "gone")))
        assert rest(READY) == (200, {"ready": True})


def test_a_server_without_models_is_ready():
    with served([]) as server:
        assert server.is_ready
    assert not server.is_ready
