"""A stand-in for Docker's daemon, whose only container is `penstock serve`: what InfraValidator calls to try a model behind a server."""

import contextlib
import json
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "1.43"  # of Docker's API


@contextlib.contextmanager
def running(python: Path):
    """Runs the daemon; gives its address.

    Args:
      python: an interpreter that has Penstock.
    """
    handler = type("Handler", (_Handler,), {"python": python, "containers": {}})
    daemon = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=daemon.serve_forever)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{daemon.server_port}"
    finally:
        daemon.shutdown()
        thread.join()
        for container in handler.containers.values():
            container["process"].kill()


class _Handler(BaseHTTPRequestHandler):
    """POST /containers/create, /containers/ID/start and stop; GET /containers/ID/json."""

    python: Path
    containers: dict[str, dict]

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        *_, name, action = self.path.partition("?")[0].split("/")
        if action == "create":
            name = f"container{len(self.containers)}"
            self.containers[name] = {"asked": json.loads(body)}
            self._answer(201, {"Id": name})
        elif action == "start":
            self._start(self.containers[name])
            self._answer(204)
        else:
            self.containers[name]["process"].terminate()
            self._answer(204)

    def do_GET(self):
        name = self.path.split("/")[-2]
        process = self.containers[name].get("process")
        status = "created" if process is None else "running" if process.poll() is None else "exited"
        ports = {"8500/tcp": [{"HostIp": "0.0.0.0", "HostPort": self.containers[name].get("port")}]}
        answer = {"Id": name, "State": {"Status": status}, "NetworkSettings": {"Ports": ports}}
        self._answer(200, answer)

    def _start(self, container: dict) -> None:
        variables = dict(each.split("=", 1) for each in container["asked"]["Env"])
        [model] = [mount["Source"] for mount in container["asked"]["HostConfig"]["Mounts"]]
        container["port"] = str(free_port())
        container["process"] = serve(
            self.python, Path(model), variables["MODEL_NAME"], container["port"]
        )

    def _answer(self, status: int, content: dict | None = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Writes nothing."""


def serve(python: Path, model: Path, name: str, port: str) -> subprocess.Popen:
    """Starts a server of a model, which answers gRPC at a port."""
    command = [
        python,
        "-m",
        "penstock",
        "serve",
        model,
        "--name",
        name,
        "--grpc-port",
        port,
        "--rest-port",
        str(free_port()),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_port() -> int:
    """Returns a port that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
