"""Which failed requests are sent again."""

import asyncio
import contextlib
import http.server
import socket
import threading

import pytest

from penstock._src.core import errors
from penstock._src.serving.client.client import AsyncClient, Client
from penstock._src.serving.client.retries import Budget, Failure, Retries

pytestmark = pytest.mark.timed

METADATA = (
    b'{"model_spec": {"name": "m", "version": "1"}, "metadata": {"signature_def": {"signature_def": '
    b'{"serving_default": {"inputs": {"x": {"dtype": "DT_FLOAT"}}, "outputs": {"y": {"dtype": "DT_FLOAT"}}}}}}}'
)
QUICKLY = Retries(first_wait=0.001, longest_wait=0.002)


@contextlib.contextmanager
def answering(*replies):
    """A server that answers predict by these replies, in turn: (status, headers, body), or None, which breaks the connection; gives (port, requests)."""
    left, seen = list(replies), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.reply(200, {}, METADATA)

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.path)
            made = left.pop(0)
            if made is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.reply(*made)

        def reply(self, status, headers, body):
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()


def predict(port, **more):
    with Client(f"http://127.0.0.1:{port}/v1/models/m", retries=QUICKLY) as client:
        return float(client.predict([1.0], **more)["y"][0])


def predict_in_a_loop(port, **more):
    async def ask():
        async with AsyncClient(f"http://127.0.0.1:{port}/v1/models/m", retries=QUICKLY) as client:
            return float((await client.predict([1.0], **more))["y"][0])

    return asyncio.run(ask())


DONE = (200, {}, b'{"outputs": [7.0]}')
BUSY = (503, {}, b'{"error": "full"}')
LATER = (429, {"Retry-After": "0"}, b'{"error": "later"}')


@pytest.fixture(params=[predict, predict_in_a_loop])
def ask(request):
    return request.param


def test_a_busy_server_is_asked_again(ask):
    with answering(BUSY, LATER, (502, {}, b"<html>"), DONE) as (port, seen):
        assert ask(port) == 7.0
        assert len(seen) == 4


def test_refused_requests_are_sent_again_whatever_they_change(ask):
    with answering(BUSY, DONE) as (port, _):
        assert ask(port, idempotent=False) == 7.0


def test_broken_connections(ask):
    with answering(None, DONE) as (port, seen):
        assert ask(port) == 7.0
    with answering(None, DONE) as (port, seen):
        with pytest.raises(errors.UnavailableError, match="did not answer"):
            ask(port, idempotent=False)
        assert len(seen) == 1


@pytest.mark.parametrize(
    "reply, error",
    [
        ((400, {}, b'{"error": "no"}'), errors.InvalidArgumentError),
        ((404, {}, b'{"error": "no"}'), errors.NotFoundError),
        ((429, {}, b'{"error": "no"}'), errors.ResourceExhaustedError),
        ((500, {}, b'{"error": "no"}'), errors.InternalError),
        ((504, {}, b'{"error": "no"}'), errors.DeadlineExceededError),
    ],
)
def test_what_would_fail_again_is_not_sent_again(ask, reply, error):
    with answering(reply, DONE) as (port, seen):
        with pytest.raises(error, match="no"):
            ask(port)
        assert len(seen) == 1


def test_answers_that_are_none(ask):
    with answering((200, {}, b"<html>")) as (port, _), pytest.raises(errors.DataLossError):
        ask(port)


def test_a_server_that_is_not_there(ask):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(errors.UnavailableError, match="did not answer"):
            ask(held.getsockname()[1])


def test_time_ends_attempts():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts and says nothing
        for scheme in ("http", "grpc"):
            url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/models/m"
            with Client(url, timeout=0.2) as client, pytest.raises(errors.DeadlineExceededError):
                client.predict([1.0])  # hangs if time ends nothing


def test_a_server_that_fails_for_long_is_spared():
    budget = Budget(Retries(attempts=100))
    failure = Failure(errors.UnavailableError("busy"), True, False)
    tries = [budget.wait(failure, 1, True, 60.0) for _ in range(20)]
    assert tries[0] is not None and tries[-1] is None
    for _ in range(70):
        budget.succeeded()
    assert budget.wait(failure, 1, True, 60.0) is not None


def test_waits_grow_and_end():
    budget = Budget(Retries(attempts=4, first_wait=1.0, longest_wait=2.0))
    failure = Failure(errors.UnavailableError("busy"), True, False)
    for attempt, low, high in ((1, 0.5, 1.0), (2, 1.0, 2.0), (3, 1.0, 2.0)):
        assert low <= budget.wait(failure, attempt, True, 60.0) <= high
        budget.succeeded()
    assert budget.wait(failure, 4, True, 60.0) is None  # no attempt is left
    assert budget.wait(failure, 1, True, 0.1) is None  # no time is left


def test_retries_that_are_refused():
    with pytest.raises(errors.InvalidArgumentError, match="at least one attempt"):
        Retries(attempts=0)
