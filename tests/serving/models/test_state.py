"""Models whose functions assign variables: each request runs once, alone, and nothing else runs them."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.batching.request import Request
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.server import Server
from tests.serving.batching.waiting import on_thread, wait_on_thread
from tests.serving.kit import save

SIZE = 2_000_000


class Stateful(tf.Module):
    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0.0)
        self.many = tf.Variable(tf.zeros(SIZE))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def counted(self, x):
        self.count.assign_add(1.0)
        return {"y": x + self.count}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def add(self, x):
        for _ in range(3):
            self.many.assign(self.many + x[0])
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def spread(self, x):
        return {"y": x + tf.reduce_max(self.many) - tf.reduce_min(self.many)}


@pytest.fixture
def version(tmp_path):
    """The version, warmed up as for requests."""
    module = Stateful()
    names = ("counted", "add", "spread")
    save(module, tmp_path / "m" / "1", {name: getattr(module, name) for name in names})
    server = Server(Options((), rest_port=-1, grpc_port=-1))
    server.manager.configure([ModelConfig("m", str(tmp_path / "m"))])
    with server.table.using("m") as version:
        yield version
    server.manager.close()
    server.scheduler.close()


def ask(version, name, *values):
    request = Request([np.array(values, np.float32)], len(values), on_thread)
    request.waiter = threading.Event()
    version.queue(name).put(request)
    return request


def test_a_function_that_counts_its_calls(version):
    requests = [ask(version, "counted", 0, 0) for _ in range(20)]
    found = [wait_on_thread(request)[0].tolist() for request in requests]
    assert found == [[n, n] for n in range(1, 21)]


def test_functions_that_change_nothing_are_joined(version):
    assert {name: queue.joins for name, queue in version.queues.items()} == {
        "counted": False,
        "add": False,
        "spread": True,
    }


def test_no_function_reads_what_another_is_changing(version):
    adding, found = [], []
    while len(found) <= 3:  # on a busy machine few readers come in between
        adding += [ask(version, "add", 1) for _ in range(60)]
        while not adding[-1].waiter.is_set():
            found += wait_on_thread(ask(version, "spread", 1))[0].tolist()
    assert len(found) > 3 and set(found) == {1.0}
    assert all(wait_on_thread(request)[0] == [1.0] for request in adding)
