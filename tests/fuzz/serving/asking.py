"""Sends cases, and judges what comes back."""

import contextlib
import errno
import json
import re
import socket
from typing import Any

import grpc

from tests.fuzz.serving.cases import Case

# What the client is to blame for, or a limit; another status is a fault of the server.
STATUSES = {200, 400, 401, 404, 408, 429, 431, 501, 503, 504}
CODES = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "DEADLINE_EXCEEDED",
    "UNAVAILABLE",
}
# No request needs as long.
PATIENCE = 60.0
_HEAD = re.compile(
    rb"HTTP/1\.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n(?:.*?\r\n)??\r\n", re.DOTALL
)


class Asker:
    """Sends cases one after the other.

    Args:
      rest_port: of the server.
      grpc_port: of the server.

    Attributes:
      counts: replies by protocol and status.
    """

    def __init__(self, rest_port: int, grpc_port: int) -> None:
        self._rest_port, self._grpc_port = rest_port, grpc_port
        self._connection: socket.socket | None = None
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{grpc_port}", [("grpc.max_receive_message_length", -1)]
        )
        self._methods: dict[str, Any] = {}
        self.counts: dict[str, int] = {}

    def ask(self, case: Case) -> str:
        """Sends a case; returns what was wrong, "" for nothing."""
        try:
            return getattr(self, f"_{case.kind}")(case)
        except TimeoutError:
            return f"no reply within {PATIENCE:g} seconds"

    def close(self) -> None:
        """Ends the connections."""
        self._channel.close()
        if self._connection is not None:
            self._connection.close()

    def _rest(self, case: Case) -> str:
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n" % (
            case.where.encode(),
            len(case.data),
            case.headers,
        )
        for _ in range(2):
            if self._connection is None:
                self._connection = _connected(self._rest_port)
            try:
                self._connection.sendall(head + case.data)
                status, body, goes_on = _reply(self._connection)
                break
            except (ConnectionError, EOFError):  # an idle one may have been closed
                self._connection.close()
                self._connection = None
        else:
            return "the connection was closed without a reply"
        if not goes_on:
            self._connection.close()
            self._connection = None
        self._count(f"REST {status}")
        return judged_reply(status, body)

    def _grpc(self, case: Case) -> str:
        method = self._methods.get(case.where)
        if method is None:
            method = self._methods[case.where] = self._channel.unary_unary(case.where)
        try:
            method(case.data, timeout=PATIENCE)
            code, text = "OK", ""
        except grpc.RpcError as error:
            code, text = error.code().name, error.details()
        self._count(f"gRPC {code}")
        return judged_call(code, text or "")

    def _http(self, case: Case) -> str:
        with _connected(self._rest_port) as connection:
            with contextlib.suppress(ConnectionError):
                _send(connection, case.data)
                data = _all(connection)
                self._count(f"bytes to REST, {data[:12].decode('latin-1') or 'closed'}")
                status = data[9:12]
                if status[:1] == b"5" and status not in (b"501", b"503", b"504"):
                    return f"{data[:300]!r}"
                if _is_inside(data.decode("latin-1")):
                    return f"{data[:3000]!r}"
        return ""

    def _http2(self, case: Case) -> str:
        with _connected(self._grpc_port) as connection:
            with contextlib.suppress(ConnectionError):
                _send(connection, case.data)
                _all(connection)
        self._count("bytes to gRPC")
        return ""

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def _connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _send(connection: socket.socket, data: bytes) -> None:
    """Sends all there is to send."""
    connection.sendall(data)
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:  # the server has closed it
            raise


def _all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def _reply(connection: socket.socket) -> tuple[int, bytes, bool]:
    """Status and body of a reply, and whether the connection goes on."""
    data = b""
    while (found := _HEAD.match(data)) is None:
        part = connection.recv(1 << 16)
        if not part:
            raise EOFError(data)
        data += part
    length = found.end() + int(found[2])
    while len(data) < length:
        part = connection.recv(1 << 20)
        if not part:
            raise EOFError(data)
        data += part
    return int(found[1]), data[found.end() : length], b"connection: close" not in found[0]


def judged_call(code: str, text: str) -> str:
    """Returns what is wrong with the status of a gRPC call; "" for nothing."""
    return "" if code in CODES and not _is_inside(text) else f"{code}: {text}"


def judged_reply(status: int, body: bytes) -> str:
    """Returns what is wrong with a reply of REST; "" for nothing."""
    if status not in STATUSES:
        return f"{status}: {body[:300]!r}"
    try:
        value = json.loads(body)
    except ValueError as error:
        return f"{status}: no JSON ({error}): {body[:300]!r}"
    if status != 200 and (list(value) != ["error"] or not isinstance(value["error"], str)):
        return f"{status}: no error in TensorFlow Serving's form: {body[:300]!r}"
    if status != 200 and _is_inside(value["error"]):
        return f"{status}: tells of the inside: {body[:3000]!r}"
    return ""


def _is_inside(text: str) -> bool:
    """Whether a message says what is no client's business."""
    return "Traceback" in text or "Internal error" in text or ".py" in text
