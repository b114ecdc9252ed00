"""An editor's side of the debug adapter protocol."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


class Editor:
    """Runs a script under debugpy and talks to it as an editor does.

    Args:
      script: its path.
    """

    def __init__(self, script: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "debugpy",
            "--listen",
            str(port),
            "--wait-for-client",
            script,
        ]
        self.process = subprocess.Popen(
            command, env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        )
        self._stream = self._connection(port).makefile("rwb")
        self._count = 0
        self.call("initialize", adapterID="test", pathFormat="path", linesStartAt1=True)
        self.send("attach", justMyCode=True)
        self.until(lambda message: message.get("event") == "initialized")
        self.call("configurationDone")

    def _connection(self, port: int) -> socket.socket:
        deadline = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=30)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def send(self, command: str, **arguments: Any) -> int:
        """Sends a request; returns its number."""
        self._count += 1
        request = {"seq": self._count, "type": "request", "command": command}
        body = json.dumps({**request, "arguments": arguments}).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._stream.flush()
        return self._count

    def until(self, is_awaited: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Returns the first message that is awaited."""
        while True:
            size = 0
            while (line := self._stream.readline()) != b"\r\n":
                if not line:
                    raise EOFError("the debugger has closed the connection")
                if line.startswith(b"Content-Length:"):
                    size = int(line.split(b":")[1])
            message: dict[str, Any] = json.loads(self._stream.read(size))
            if is_awaited(message):
                return message

    def call(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Returns the body of the answer to a request."""
        number = self.send(command, **arguments)
        answer = self.until(lambda m: m["type"] == "response" and m["request_seq"] == number)
        return answer.get("body") or {}

    def stop(self) -> tuple[int, int, dict[str, str]]:
        """Waits for a stop; returns the thread, the line, and the names with their values as text."""
        thread = self.until(lambda m: m.get("event") == "stopped")["body"]["threadId"]
        frame = self.call("stackTrace", threadId=thread)["stackFrames"][0]
        scope = self.call("scopes", frameId=frame["id"])["scopes"][0]
        held = self.call("variables", variablesReference=scope["variablesReference"])["variables"]
        return thread, frame["line"], {each["name"]: each["value"] for each in held}
