"""HTTP connections: clients that are slow, that send too much, or that are too many."""

import asyncio
import json
import socket
import threading

import pytest

import penstock as tf
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.rest import connections, http
from penstock._src.serving.trust.limits import Limits
from tests.harness.waiting import PATIENCE, eventually
from tests.serving.kit import HalfPlusTwo, Rest, save

PATH = "/v1/models/half:predict"
BODY = b'{"instances": [4]}'


class Repeat(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1], tf.int32, name="n")])
    def __call__(self, n):
        return {"y": tf.zeros(n)}


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Starts servers with limits."""
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    save(Repeat(), root / "repeat" / "1")
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "repeat"))
    interval = http._WATCH_SECONDS
    http._WATCH_SECONDS = 0.05
    yield lambda **limits: running(
        Options(models, rest_port=0, grpc_port=-1, limits=Limits(max_connections=8, **limits))
    )
    http._WATCH_SECONDS = interval


@pytest.fixture(scope="module")
def server(serving):
    """A server that waits for clients for as long as a busy machine takes."""
    with serving(max_header_bytes=20_000, transfer_seconds=300.0, idle_seconds=300.0) as server:
        yield server


@pytest.fixture(scope="module")
def hasty_server(serving):
    """A server that waits for some tenths of a second."""
    with serving(transfer_seconds=0.3, transfer_bytes_per_second=1e9, idle_seconds=0.5) as server:
        yield server


@pytest.fixture
def connect(server):
    """A new connection to the server that waits, on which some bytes were sent; it is closed at the end."""
    yield from connections_to(server)


@pytest.fixture
def connect_hastily(hasty_server):
    """A new connection to the other server."""
    yield from connections_to(hasty_server)


def connections_to(server):
    made = []

    def connect(data=b""):
        made.append(socket.create_connection(("127.0.0.1", server.rest_port), PATIENCE))
        made[-1].sendall(data)
        return made[-1]

    yield connect
    for each in made:
        each.close()
    assert eventually(lambda: Rest(server.rest_port)("/v1/models/half")[0] == 200)


def head(length=18, path=PATH, more=""):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def read(connection):
    """All that comes until the server closes: status and error."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    data = b"".join(parts)
    if not data:
        return None
    top, _, body = data.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body).get("error")


def receive(connection, count):
    """Reads as many replies."""
    data = b""
    while data.count(b"[4.0]") < count:
        part = connection.recv(65536)
        assert part
        data += part
    assert data.count(b"200 OK") == count


@pytest.mark.parametrize(
    "data, what",
    [
        (b"", "headers"),
        (b"POST /v1/mod", "headers"),
        (head(), "body"),
        (head() + BODY[:5], "body"),
    ],
)
def test_a_client_that_does_not_finish_its_request(connect_hastily, data, what):
    status, error = read(connect_hastily(data))
    assert status in (408, 429)
    assert what in error


def test_a_body_that_is_refused_is_not_read_for_long(connect_hastily):
    status, error = read(connect_hastily(head(10**9)))
    assert status == 429 and "may have" in error


def test_a_client_that_sends_a_byte_now_and_then(connect_hastily):
    connection = connect_hastily(head(1_000_000))
    with pytest.raises(OSError):
        eventually(lambda: connection.sendall(b" "))


def test_an_idle_connection_is_closed(connect_hastily):
    connection = connect_hastily(head() + BODY)
    receive(connection, 1)
    connection.sendall(b"\r\n")  # is no request
    assert read(connection) is None


def test_requests_after_each_other_and_at_once(connect):
    connection = connect()
    for _ in range(3):
        connection.sendall(head() + BODY)
        receive(connection, 1)
    connection.sendall((head() + BODY) * 20)
    receive(connection, 20)


def test_replies_are_sent_at_once(connect, server, monkeypatch):
    found = []
    made = connections.Connection.connection_made

    def connection_made(self, transport):
        made(self, transport)
        accepted = transport.get_extra_info("socket")
        found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(connections.Connection, "connection_made", connection_made)
    receive(connect(head() + BODY), 1)
    assert found == [1]


def test_a_client_that_does_not_read(connect_hastily, monkeypatch):
    lose, lost = connections.Connection.connection_lost, []
    monkeypatch.setattr(
        connections.Connection,
        "connection_lost",
        lambda self, error: (lose(self, error), lost.append(self.client))[0],
    )
    body = b'{"inputs": [20000000]}'
    connection = connect_hastily(head(len(body), "/v1/models/repeat:predict") + body)
    connection.recv(1, socket.MSG_PEEK)  # the reply has begun
    assert eventually(lambda: connection.getsockname() in lost)  # not one of an earlier test
    total = 0
    try:
        while part := connection.recv(1 << 20):
            total += len(part)
    except ConnectionResetError:
        pass
    assert 0 < total < 80_000_000


@pytest.mark.parametrize(
    "data, status",
    [
        (b"GET /v1/models/half HTTP/1.1\r\n" + b"X-Y: " + b"a" * 400_000, 431),
        (b"GET /" + b"a" * 400_000, 431),
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (head(more="Content-Length: 3\r\n") + BODY, 400),
        (head(-1), 400),
        (
            b"POST " + PATH.encode() + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1;" + b"a" * 500_000,
            400,
        ),
    ],
)
def test_what_is_no_request(connect, data, status):
    connection = connect()
    try:
        connection.sendall(data)
        assert read(connection)[0] == status
    except (ConnectionResetError, BrokenPipeError):
        assert len(data) > 100_000  # the server did not read it all


def test_trailers_are_bounded(connect):
    connection = connect(
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"12\r\n" + BODY + b"\r\n0\r\n"
    )
    with pytest.raises(OSError):
        for _ in range(10_000):
            connection.sendall(b"X: " + b"a" * 1000 + b"\r\n")
        read(connection)


def test_more_connections_than_there_may_be(connect, server):
    held = [connect(b"G") for _ in range(8)]
    status, error = read(connect())
    assert status == 503 and "connections" in error
    for connection in held:
        connection.close()
    last = b"GET /v1/models/half HTTP/1.0\r\n\r\n"
    assert eventually(lambda: read(connect(last))[0] == 200)


def test_nobody_computes_for_a_client_that_has_gone(connect, server, monkeypatch):
    entered, left = threading.Event(), threading.Event()

    async def run(*_):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    monkeypatch.setattr(Runner, "run", run)
    connection = connect(head() + BODY)
    assert entered.wait(PATIENCE)
    connection.close()
    assert left.wait(PATIENCE)
    assert eventually(lambda: server.admission.held_bytes == 0)
