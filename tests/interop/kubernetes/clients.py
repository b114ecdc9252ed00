"""Clients that ask without pause and send nothing again: REST on kept and on new connections, slow requests, and gRPC."""

import http.client
import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc

from penstock._src.serving.protos import apis
from tests.interop.kubernetes.proxy import CALLS_PORT, REST_PORT

PATH = "/v1/models/model:predict"


class Answer(NamedTuple):
    """A request: who asked, when it began and ended, the version that answered, and why none did."""

    client: str
    begun: float
    ended: float
    version: float
    broken: str


class Clients:
    """A process with clients.

    Args:
      steps: of slow requests; 0 for none.
      fast: clients that ask by REST on kept connections.
      slow: clients that send slow requests.
    """

    def __init__(self, steps: int, fast: int = 3, slow: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_ask_all, args=(theirs, steps, fast, slow), daemon=True
        )
        self._process.start()
        self._ours.recv()

    def end(self) -> list[Answer]:
        """Ends the clients, each after its request; returns all answers in the order of their ends."""
        self._ours.send("end")
        answers = self._ours.recv()
        self._process.join()
        return sorted((Answer(*each) for each in answers), key=lambda answer: answer.ended)


def _ask_all(pipe: Any, steps: int, fast: int, slow: int) -> None:
    ended, answers = threading.Event(), []
    asks = [("rest", _kept(1.0)) for _ in range(fast)]
    asks += [("new connections", _new), ("gRPC", _grpc())]
    asks += [("slow", _kept_slow(steps)) for _ in range(slow) if steps]

    def work(name: str, ask: Callable[[], float]) -> None:
        while not ended.is_set():
            begun, version, broken = time.monotonic(), 0.0, ""
            try:
                version = ask()
            except Exception as error:  # whatever it was, the request failed
                broken = f"{type(error).__name__}: {error}"[:300]
            answers.append((name, begun, time.monotonic(), version, broken))
            time.sleep(0.02)

    threads = [threading.Thread(target=work, args=each) for each in asks]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    pipe.recv()
    ended.set()
    for thread in threads:
        thread.join()
    pipe.send(answers)


class _Refused(Exception):
    """A reply with another status than 200."""


def _asked(connection: http.client.HTTPConnection, body: dict[str, Any]) -> float:
    connection.request("POST", PATH, json.dumps(body))
    reply = connection.getresponse()
    text = reply.read()
    if reply.status != 200:
        connection.close()
        raise _Refused(f"{reply.status} {text.decode(errors='replace')}")
    return float(json.loads(text)["predictions"][0])


def _kept(x: float) -> Callable[[], float]:
    connection = http.client.HTTPConnection("127.0.0.1", REST_PORT, timeout=60)

    def ask() -> float:
        try:
            return _asked(connection, {"instances": [x]}) - x
        except OSError:
            connection.close()
            raise

    return ask


def _kept_slow(steps: int) -> Callable[[], float]:
    connection = http.client.HTTPConnection("127.0.0.1", REST_PORT, timeout=60)

    def ask() -> float:
        try:
            return _asked(connection, {"signature_name": "slow", "instances": [float(steps)]})
        except OSError:
            connection.close()
            raise

    return ask


def _new() -> float:
    connection = http.client.HTTPConnection("127.0.0.1", REST_PORT, timeout=60)
    try:
        return _asked(connection, {"instances": [3.0]}) - 3.0
    finally:
        connection.close()


def _grpc() -> Callable[[], float]:
    options = [("grpc.enable_retries", 0)]
    channel = grpc.insecure_channel(f"127.0.0.1:{CALLS_PORT}", options)
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    request = apis.PredictRequest(model_spec=apis.ModelSpec(name="model"))
    x = request.inputs["x"]
    x.dtype = 1
    x.tensor_shape.dim.add().size = 1
    x.float_val.append(2.0)

    def ask() -> float:
        reply = apis.PredictResponse.FromString(call(request.SerializeToString(), timeout=60))
        return float(reply.outputs["y"].float_val[0]) - 2.0

    return ask
