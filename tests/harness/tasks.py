"""Clusters of tasks with servers: in this process, or each in a process of its own."""

import contextlib
import importlib.util
import json
import signal
import subprocess
import sys

import pytest

from penstock._src.util.process.ports import free_ports
from tests.harness.processes import ROOT, lean

needs_grpc = pytest.mark.skipif(
    importlib.util.find_spec("grpc") is None,
    reason="tasks call one another by gRPC: pip install 'penstock-tensors[cluster]'",
)
SERVER = """
import penstock as tf
resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
server = tf.distribute.Server(resolver.cluster_spec(), job_name=resolver.task_type, task_index=resolver.task_id, protocol="grpc")
print("ready", flush=True)
server.join()
"""


def addresses(workers, servers):
    """{job: addresses} with free ports."""
    ports = [f"localhost:{port}" for port in free_ports(workers + servers)]
    return {"worker": ports[:workers], "ps": ports[workers:]}


class Processes:
    """The tasks of a cluster, each in a process."""

    def __init__(self, cluster):
        self.cluster, self.running = cluster, {}

    def start(self, job, index):
        """Starts a task; returns once it answers."""
        task = {"cluster": self.cluster, "task": {"type": job, "index": index}}
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=ROOT,
            env=lean({"TF_CONFIG": json.dumps(task)}),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running[job, index] = process
        return process

    def wait(self):
        """Waits until all that were started answer."""
        for process in self.running.values():
            assert process.stdout.readline() == "ready\n"

    def kill(self, job, index):
        """Ends a task at once."""
        process = self.running.pop((job, index))
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def processes(workers, servers):
    """The processes of a cluster, which end with the block."""
    made = Processes(addresses(workers, servers))
    try:
        for job, count in (("worker", workers), ("ps", servers)):
            for index in range(count):
                made.start(job, index)
        made.wait()
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.wait()


def started(program, tmp_path, count, *arguments):
    """Starts processes of a program one by one, each with its TF_CONFIG."""
    script = tmp_path / "program.py"
    script.write_text(program)
    workers = [f"localhost:{port}" for port in free_ports(count)]
    return [
        subprocess.Popen(
            [sys.executable, "-m", "penstock", "run", str(script), *arguments],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=lean({"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}})}),
        )
        for i in range(count)
    ]  # fmt: skip
