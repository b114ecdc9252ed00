"""The clients beside: correct ones, whose replies are checked and timed, and slow ones."""

import json
import multiprocessing
import random
import socket
import threading
import time
import urllib.request
from typing import Any

import grpc
import numpy as np

import penstock as tf
from penstock._src.serving.protos import apis
from tests.fuzz.serving.cases import PREFACE, SERVICE, frame


class Correct:
    """A process that asks for what is right, by REST and gRPC in turn.

    Args:
      rest_port: of the server.
      grpc_port: of the server.
      interval: seconds between requests.
    """

    def __init__(self, rest_port: int, grpc_port: int, interval: float = 0.01) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_ask, args=(theirs, rest_port, grpc_port, interval), daemon=True
        )
        self._process.start()
        self._ours.recv()

    def times(self) -> list[float]:
        """Seconds of each request since the last call; raises what went wrong."""
        self._ours.send("times")
        found, wrong = self._ours.recv()
        if wrong:
            raise AssertionError(f"{len(wrong)} correct requests failed: {wrong[:3]}")
        return found

    def end(self) -> None:
        """Ends the process."""
        self._ours.send("end")
        self._process.join()


def _ask(pipe: Any, rest_port: int, grpc_port: int, interval: float) -> None:
    url = f"http://127.0.0.1:{rest_port}/v1/models/half:predict"
    channel = grpc.insecure_channel(f"127.0.0.1:{grpc_port}")
    predict = channel.unary_unary(SERVICE + "Predict")
    request = apis.PredictRequest(model_spec=apis.ModelSpec(name="half"))
    numbers = random.Random(0)
    times: list[float] = []
    wrong: list[str] = []
    pipe.send("ready")
    at = 0
    while True:
        if pipe.poll(interval):
            if pipe.recv() == "end":
                return
            pipe.send((times, wrong))
            times, wrong = [], []
        x = numbers.random()
        begun = time.perf_counter()
        try:
            if at % 2:
                request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[x]])))
                reply = apis.PredictResponse.FromString(predict(request.SerializeToString()))
                y = reply.outputs["y"].float_val[0]
            else:
                body = json.dumps({"instances": [[x]]}).encode()
                with urllib.request.urlopen(url, body, timeout=60) as reply:
                    y = json.load(reply)["predictions"][0][0]
            if abs(y - (x / 2 + 2)) > 1e-5:
                wrong.append(f"{x}: {y}")
        except (OSError, grpc.RpcError) as error:
            wrong.append(repr(error))
        times.append(time.perf_counter() - begun)
        at += 1


def percentile(times: list[float], percent: float) -> float:
    """A percentile, in milliseconds."""
    return float(np.percentile(times, percent)) * 1000 if times else 0.0


_BODY = json.dumps({"instances": [[1.0]] * 100}).encode()
_HEAD = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
_LARGE = json.dumps({"instances": [[1.0]] * 50_000}).encode()
_UNREAD = _HEAD % len(_LARGE) + _LARGE
# What slow clients send, a piece at a time; then they wait.
_PIECES = (
    ("rest", [b""]),
    ("rest", [b"POST ", b"/v1", b"/mod"]),
    (
        "rest",
        [b"POST /v1/models/half:predict HTTP/1.1\r\n", *[b"X-%d: y\r\n" % i for i in range(99)]],
    ),
    ("rest", [_HEAD % len(_BODY), *[_BODY[i : i + 1] for i in range(len(_BODY) - 1)]]),
    ("rest", [_HEAD % (1 << 27), b" " * 100_000]),
    ("grpc", [b""]),
    ("grpc", [PREFACE, frame(4, 0, 0, b"")]),
    ("grpc", [PREFACE + frame(4, 0, 0, b""), *[frame(6, 0, 0, bytes(8))] * 9]),
    ("grpc", [PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, b"\x83")[:-1]]),
)


class Slow:
    """Many clients that send a little now and then, or read nothing; they come again when they are thrown out.

    Args:
      rest_port: of the server.
      grpc_port: of the server.
      count: of clients.
    """

    def __init__(self, rest_port: int, grpc_port: int, count: int) -> None:
        self._ports = {"rest": rest_port, "grpc": grpc_port}
        self._count, self._ended = count, threading.Event()
        self.thrown_out = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Closes the connections."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        held = [self._connect(number) for number in range(self._count)]
        while not self._ended.wait(0.2):
            for number, (connection, pieces) in enumerate(held):
                reads = pieces[:1] != [_UNREAD]
                if reads and _is_closed(connection) or not self._send(connection, pieces):
                    connection.close()
                    self.thrown_out += 1
                    held[number] = self._connect(number)
        for connection, _ in held:
            connection.close()

    def _connect(self, number: int) -> tuple[socket.socket, list[bytes]]:
        protocol, pieces = _PIECES[number % len(_PIECES)]
        if number % 50 == 0:  # reads no replies
            protocol, pieces = "rest", [_UNREAD] * 20
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", self._ports[protocol]))
        made.setblocking(False)
        return made, list(pieces)

    def _send(self, connection: socket.socket, pieces: list[bytes]) -> bool:
        """Sends something, perhaps; whether the connection is still open."""
        if not pieces or random.random() > 0.2:
            return True
        try:
            pieces[0] = pieces[0][connection.send(pieces[0]) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not pieces[0]:
            pieces.pop(0)
        return True


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1 << 16)
    except BlockingIOError:
        return False
    except OSError:
        return True
