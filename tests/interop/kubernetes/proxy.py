"""haproxy before pods: it learns by its runtime socket which are ready, as an ingress controller tells it."""

import socket
import subprocess
import time
from pathlib import Path

from tools.platforms.debian import Tools

REST_PORT, CALLS_PORT = 18501, 18500
# Nothing is sent again: a request that fails at a pod fails at the client.
CONFIGURATION = """
global
  stats socket {socket} mode 600 level admin
  maxconn 1000
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend rest
  bind 127.0.0.1:{rest_port}
  default_backend rest
backend rest
  balance roundrobin
{rest}
frontend calls
  bind 127.0.0.1:{calls_port} proto h2
  default_backend calls
backend calls
  balance roundrobin
{calls}
"""


class Proxy:
    """A running haproxy that knows where pods may be; none of them gets requests at first.

    Args:
      tools: that have haproxy.
      folder: of its configuration and socket.
      addresses: of pods.
    """

    def __init__(self, tools: Tools, folder: Path, addresses: list[str]) -> None:
        self._socket, configuration = folder / "haproxy.sock", folder / "haproxy.cfg"
        rest = [f"  server {self._name(each)} {each}:8501 disabled" for each in addresses]
        calls = [f"  server {self._name(each)} {each}:8500 proto h2 disabled" for each in addresses]
        text = CONFIGURATION.format(
            socket=self._socket, rest_port=REST_PORT, calls_port=CALLS_PORT,
            rest="\n".join(rest), calls="\n".join(calls),
        )  # fmt: skip
        configuration.write_text(text)
        self._process = subprocess.Popen(
            tools.command("haproxy", "-q", "-db", "-f", configuration), stdin=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while not self._socket.exists():
            assert self._process.poll() is None and time.monotonic() < until, (
                "haproxy did not start"
            )
            time.sleep(0.05)

    @staticmethod
    def _name(address: str) -> str:
        return "pod" + address.replace(".", "_")

    def add(self, address: str) -> None:
        """Sends a pod requests."""
        self._set(address, "ready")

    def remove(self, address: str) -> None:
        """Sends a pod no further requests."""
        self._set(address, "maint")

    def _set(self, address: str, state: str) -> None:
        for backend in ("rest", "calls"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self._socket))
                command = f"set server {backend}/{self._name(address)} state {state}\n"
                connection.sendall(command.encode())
                answer = connection.makefile().read().strip()
            assert not answer, answer

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
