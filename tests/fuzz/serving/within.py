"""Asks a server within the process, without sockets: some thousand cases a second. Bytes for a connection of their own are left out for REST; connections of gRPC
are in memory."""

import asyncio
import time
import urllib.parse
from pathlib import Path
from typing import Any

from penstock._src.serving.grpc.gate import Gate
from penstock._src.serving.grpc.http2.shared import Shared
from penstock._src.serving.models.config_files import read_models
from penstock._src.serving.options import Options
from penstock._src.serving.server import Server
from tests.fuzz.serving.asking import judged_call, judged_reply
from tests.fuzz.serving.cases import Case, case_of
from tests.fuzz.serving.served import PAGE
from tests.serving.grpc.http2.kit import Client, connected

# Cases that are asked at a time, so that requests are joined.
_TOGETHER = 16
_REPORT_SECONDS = 10.0
# Bytes that a connection gets at a time.
_PACKET = 1000


class Within:
    """Asks a server.

    Args:
      server: that has begun.

    Attributes:
      counts: replies by protocol and status.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        handlers = {
            f"/{service}/{method}": handler
            for service, methods in server.grpc_services.items()
            for method, handler in methods.items()
        }
        self._shared = Shared(handlers, server.options.limits, Gate(None, None), server.admission)
        self.counts: dict[str, int] = {}

    async def ask(self, case: Case) -> str:
        """Sends a case; returns what was wrong, "" for nothing."""
        if case.kind == "rest":
            return await self._rest(case)
        if case.kind == "http":
            return ""
        return await (self._grpc if case.kind == "grpc" else self._http2)(case)

    async def _rest(self, case: Case) -> str:
        path, _, query = case.where.partition("?")
        lines = [line.partition(b":") for line in case.headers.split(b"\r\n") if line]
        headers = [(name.strip().lower(), value.strip()) for name, _, value in lines]
        headers.append((b"content-length", b"%d" % len(case.data)))
        scope = {
            "type": "http",
            "method": "POST",
            "path": urllib.parse.unquote(path),
            "query_string": query.encode(),
            "headers": headers,
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": case.data}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._server.rest(scope, receive, send)
        status = sent[0]["status"]
        self._count(f"REST {status}")
        return judged_reply(status, b"".join(message["body"] for message in sent[1:]))

    async def _grpc(self, case: Case) -> str:
        client = Client(self._shared)
        _, code, text = await client.call(case.where, case.data, turns=10**6)
        client.connection.connection_lost(None)
        self._count(f"gRPC {code}")
        return judged_call(code, urllib.parse.unquote(text))

    async def _http2(self, case: Case) -> str:
        connection = connected(self._shared)
        at = 0
        while at < len(case.data) and not connection._transport.closed:
            connection.data_received(case.data[at : at + _PACKET])
            at += _PACKET
            await asyncio.sleep(0)
        while any(not call.is_ended and call.is_complete for call in connection._calls.values()):
            await asyncio.sleep(1e-3)
        connection.check(time.monotonic())
        connection.connection_lost(None)
        self._count("bytes to gRPC")
        return ""

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def hunt(models: Path, first: int, count: int) -> int:
    """Asks so many cases; returns 1 if anything is found, or memory grows over the last half."""
    server = Server(Options(read_models(str(models)), rest_port=-1, grpc_port=-1))
    server.begin()
    try:
        return asyncio.run(_hunt(server, first, count))
    finally:
        server.end()


async def _hunt(server: Server, first: int, count: int) -> int:
    asker = Within(server)
    found: list[str] = []
    memory: list[int] = []
    begun = said = time.monotonic()
    for start in range(first, first + count, _TOGETHER):
        seeds = range(start, min(start + _TOGETHER, first + count))
        replies = await asyncio.gather(*[asker.ask(case_of(seed)) for seed in seeds])
        for seed, wrong in zip(seeds, replies, strict=True):
            if wrong:
                found.append(f"--seed {seed}: {wrong}")
                print(found[-1], flush=True)
        if time.monotonic() - said > _REPORT_SECONDS:
            said = time.monotonic()
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE)
            done = seeds.stop - first
            print(f"{done:,} cases, {done / (said - begun):.0f}/s, {memory[-1] / 1e6:.0f} MB", flush=True)  # fmt: skip
    for what, number in sorted(asker.counts.items()):
        print(f"{number:9,} {what}")
    held = server.admission.requests, server.admission.held_bytes
    if held != (0, 0):
        found.append(f"requests and bytes that are still held: {held}")
        print(found[-1])
    growth = memory[-1] / memory[len(memory) // 2] - 1 if memory else 0.0
    print(f"{len(found)} found in {count:,} cases; memory over the last half: {growth:+.1%}")
    return 1 if found or growth > 0.05 else 0
