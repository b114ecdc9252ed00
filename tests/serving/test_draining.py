"""A server that ends answers what it has begun, by both protocols, and then no more."""

import asyncio
import signal
import subprocess
import sys
import threading

import grpc
import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.protos import apis
from tests.harness.processes import lean
from tests.serving.kit import HalfPlusTwo, Rest, save

pytestmark = pytest.mark.timed


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    return (ModelConfig("half", str(root)),)


@pytest.fixture
def entered(monkeypatch):
    """Requests that run take half a second more; released once for each that has begun."""
    begun = threading.Semaphore(0)
    run = Runner.run

    async def slowly(*arguments):
        begun.release()
        await asyncio.sleep(0.5)
        return await run(*arguments)

    monkeypatch.setattr(Runner, "run", slowly)
    return begun


def by_rest(server):
    return Rest(server.rest_port)("/v1/models/half:predict", {"instances": [4.0]})[1]


def by_grpc(server):
    request = apis.PredictRequest(model_spec=apis.ModelSpec(name="half"))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([4])))
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        reply = apis.PredictResponse.FromString(call(request.SerializeToString()))
        return {"predictions": list(reply.outputs["y"].float_val)}


@pytest.mark.parametrize("ask", [by_rest, by_grpc])
def test_what_has_begun_is_answered(models, entered, ask):
    replies = []
    with running(Options(models, rest_port=0, grpc_port=0)) as server:
        thread = threading.Thread(target=lambda: replies.append(ask(server)))
        thread.start()
        assert entered.acquire(timeout=120)
    thread.join(120)
    assert replies == [{"predictions": [4.0]}]
    with pytest.raises((OSError, grpc.RpcError)):
        ask(server)


def test_what_takes_longer_is_given_up(models, entered, monkeypatch):
    replies = []
    options = Options(models, rest_port=0, grpc_port=-1, drain_seconds=0)
    monkeypatch.setattr(asyncio, "sleep", patient(asyncio.sleep))
    with running(options) as server:
        thread = threading.Thread(target=lambda: replies.append(by_rest(server)))
        thread.start()
        assert entered.acquire(timeout=120)
    thread.join(120)
    assert replies == [{"error": "The server is ending."}]


def patient(sleep):
    """Sleeps of half a second take a minute."""
    return lambda seconds: sleep(60 if seconds == 0.5 else seconds)


WHILE_IT_LOADS = """
import time
from penstock._src.serving.options import Options
from penstock._src.serving.processes import process
from penstock._src.serving.server import Server

def begin(server):
    print("loads", flush=True)
    time.sleep(300)

Server.begin = begin
process.run(Options((), rest_port=0, grpc_port=-1))
"""
WHILE_IT_STARTS = (
    """
import logging, time
from penstock._src.bridge.cli import serve

def imported(**_):
    print("starts", flush=True)
    time.sleep(300)

logging.basicConfig = imported
serve.main(["""
    + repr(__file__)
    + """])
"""
)


@pytest.mark.parametrize("program", [WHILE_IT_STARTS, WHILE_IT_LOADS])
def test_a_server_without_requests_ends_at_once(program):
    """By a handler: the first process of a container ignores the signal otherwise."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=lean(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() in ("loads\n", "starts\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
