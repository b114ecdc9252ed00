"""Requests at a constant rate, whether earlier ones are answered or not; each latency counts from the moment at which its request was due.

Usage: open_loop.py URL BODY_FILE REQUESTS_PER_SECOND SECONDS; prints a line of JSON with latencies in milliseconds, and the rate that was answered.
"""

import asyncio
import collections
import gc
import json
import pathlib
import sys
import time
import urllib.parse

CONNECTIONS = 64
PATIENCE = 30.0  # seconds for the last replies
PARTS = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


class Connection(asyncio.Protocol):
    """Sends a request and tells when its whole reply is there."""

    def __init__(self, load):
        self.load, self.due, self.data, self.length = load, 0.0, bytearray(), None

    def connection_made(self, transport):
        self.transport = transport

    def send(self, due):
        self.due = due
        self.transport.write(self.load.request)

    def data_received(self, data):
        self.data += data
        if self.length is None:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.data[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                self.load.fail(f"refused: {head[:80]!r}")
                return
            self.length = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self.data) >= self.length:
            self.data, self.length = bytearray(), None
            self.load.answered(self)

    def connection_lost(self, error):
        self.load.lost(self, error)


class Load:
    """What is asked, and what has come back."""

    def __init__(self, url, body):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.request = head.encode() + body
        self.latencies, self.waiting = [], collections.deque()
        self.free = collections.deque()  # taken in turn: servers close what is idle for seconds
        self.is_done, self.failure = False, ""

    def answered(self, connection):
        self.latencies.append(time.perf_counter() - connection.due)
        self.use(connection)

    def use(self, connection):
        if self.waiting:
            connection.send(self.waiting.popleft())
        else:
            self.free.append(connection)

    def lost(self, connection, error):
        """An idle connection that the server closes is made anew, another one's request has no reply."""
        if connection in self.free:
            self.free.remove(connection)
            self.making = asyncio.ensure_future(self.connect())
        elif not self.is_done:
            self.fail(f"the server closed a connection ({error})")

    async def connect(self):
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: Connection(self), self.host, self.port)
        self.use(made)

    def fail(self, what):
        self.failure = self.failure or what

    def ask(self, due):
        if self.free:
            self.free.popleft().send(due)
        else:
            self.waiting.append(due)

    async def run(self, rate, seconds):
        """Returns the latencies in order, and the seconds until the last reply."""
        for _ in range(CONNECTIONS):
            await self.connect()
        total, begun, sent = int(rate * seconds), time.perf_counter() + 0.01, 0
        while len(self.latencies) < total and not self.failure:
            now = time.perf_counter()
            while sent < total and begun + sent / rate <= now:
                self.ask(begun + sent / rate)
                sent += 1
            if now - begun > seconds + PATIENCE:
                self.fail(f"{total - len(self.latencies)} of {total} requests have no reply")
            await asyncio.sleep(max(0.0, begun + sent / rate - now) if sent < total else 1e-3)
        self.is_done = True
        if self.failure:
            raise RuntimeError(self.failure)
        return sorted(self.latencies), time.perf_counter() - begun


def measured(url, body, rate, seconds):
    """Returns {"p50", "p99", "p999"} in milliseconds, and "rps"."""
    gc.disable()  # its pauses would be the server's
    found, elapsed = asyncio.run(Load(url, body).run(rate, seconds))
    figures = {name: 1e3 * found[int(part * (len(found) - 1))] for name, part in PARTS.items()}
    return {**figures, "rps": len(found) / elapsed}


if __name__ == "__main__":
    url, path, rate, seconds = sys.argv[1:]
    print(json.dumps(measured(url, pathlib.Path(path).read_bytes(), float(rate), float(seconds))))
