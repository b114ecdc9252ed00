"""Dispatchers and workers of the tf.data service in processes of their own."""

import contextlib
import subprocess
import sys

from penstock._src.util.process.ports import free_ports
from tests.harness.processes import ROOT, lean

SERVERS = """
import os
import sys
import penstock as tf
from penstock._src.data.experimental.service.snapshots import writing
service = tf.data.experimental.service
kind, port, folder, *rest = sys.argv[1:]
writing.CHUNK_SECONDS = 0.05
if kind == "dispatcher":
    config = service.DispatcherConfig(
        port=int(port), worker_addresses=rest, work_dir=folder or None, fault_tolerant_mode=bool(folder),
        worker_timeout_ms=int(os.environ.get("TEST_WORKER_TIMEOUT_MS", 60_000)),
    )
    server = service.DispatchServer(config)
else:
    server = service.WorkerServer(service.WorkerConfig(rest[0], port=int(port), heartbeat_interval_ms=200))
print("ready", flush=True)
server.join()
"""


def start(running, kind, port, folder, *rest):
    command = [sys.executable, "-c", SERVERS, kind, str(port), folder, *rest]
    running[port] = subprocess.Popen(
        command, cwd=ROOT, env=lean(), stdout=subprocess.PIPE, text=True
    )


def start_dispatcher(running, port, ports, folder):
    start(running, "dispatcher", port, folder, *[f"localhost:{each}" for each in ports])
    assert running[port].stdout.readline() == "ready\n"


@contextlib.contextmanager
def processes(workers, folder=""):
    """(target, ports of workers, processes by ports) of a service that ends with the block; `folder` is the dispatcher's."""
    running = {}
    port, *ports = free_ports(workers + 1)
    try:
        start_dispatcher(running, port, ports, folder)
        for each in ports:
            start(running, "worker", each, "", f"localhost:{port}")
        for each in ports:
            assert running[each].stdout.readline() == "ready\n"
        yield f"grpc://localhost:{port}", ports, running
    finally:
        for process in running.values():
            process.kill()
            process.wait()
