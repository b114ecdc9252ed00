"""Calls between tasks: done once however often they arrive, of limited size, and refused if they are wrong."""

import random

import grpc
import numpy as np
import pytest

import penstock as tf
from penstock._src.cluster.rpc.channel import KEY, Channel
from penstock._src.core.registry import find
from penstock._src.core.values.resources import made_by
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.handles import Maker, handle
from penstock._src.distribute.cluster.tasks.service import TaskService
from penstock._src.distribute.cluster.tasks.task import Tasks
from penstock._src.graph.serialize.exporter import function_library
from penstock._src.util.flags import override
from tests.harness.tasks import addresses, needs_grpc

pytestmark = needs_grpc
NAME = "/job:ps/replica:0/task:0"


class _Lost(grpc.RpcError):
    def code(self):
        return grpc.StatusCode.UNAVAILABLE

    def details(self):
        return "the connection broke"


@pytest.fixture
def task():
    (address,) = addresses(0, 1)["ps"]
    service = TaskService(NAME, {NAME: address})
    service.start(address)
    made = Tasks({NAME: address})[NAME]
    made.service = service
    yield made
    service.stop()


def variable_in(task, value):
    with made_by(Maker(task)):
        return tf.Variable(value)


def test_a_call_whose_reply_is_lost_is_done_once(task, monkeypatch):
    count = variable_in(task, 0)
    lost = []

    def loses_every_other_reply(self, method):
        send = self._channel.unary_unary(f"/{self._service}/{method}")

        def call(*args, **kwargs):
            reply = send(*args, **kwargs)
            if len(lost) % 2 == 0 and method == "RunOp":
                lost.append(method)
                raise _Lost
            lost.append(None)
            return reply

        return call

    monkeypatch.setattr(Channel, "_method", loses_every_other_reply)
    for _ in range(10):
        count.assign_add(1)
    assert count.numpy() == 10 and lost.count("RunOp") >= 10


def test_updates_of_many_threads_are_all_there(task):
    from concurrent.futures import ThreadPoolExecutor

    table = variable_in(task, np.zeros([50, 2], np.float32))
    before = table.read_value()

    def update(at):
        table.scatter_add(tf.IndexedSlices(tf.ones([2, 2]), tf.constant([at % 7, 7])))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(update, range(70)))
    assert table.numpy()[:8, 0].tolist() == [10] * 7 + [70] and not before.numpy().any()


def test_a_table_stays_where_it_is(task, monkeypatch):
    table = variable_in(task, np.zeros([100_000, 8], np.float32))
    largest = []
    call = Channel.call

    def measured(self, method, request, *args):
        reply = call(self, method, request, *args)
        largest.append(max(len(request), len(reply)))
        return reply

    monkeypatch.setattr(Channel, "call", measured)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.gather(table, [5, 99_999]))
    table.scatter_sub(tape.gradient(total, table))
    held = next(iter(task.service._held.values())).resource
    before = held.value
    table.scatter_sub(tf.IndexedSlices(tf.ones([1, 8]), tf.constant([5])))
    assert largest and max(largest) < 2000
    assert tf.gather(table, [5, 6])[:, 0].numpy().tolist() == [-2, 0]
    with tf.GradientTape() as tape:
        entries = tf.gather_nd(table, [[5, 0], [6, 7]])
    assert entries.numpy().tolist() == [-2, 0] and tape.watched_variables() == (table,)
    assert max(largest) < 2000
    del before


def test_a_task_that_was_started_again_has_lost_what_it_held(task):
    count = variable_in(task, 1)
    address = task.address
    task.service.stop()
    with pytest.raises(tf.errors.UnavailableError, match=NAME):
        count.numpy()
    task.service = TaskService(NAME, {NAME: address})
    task.service.start(address)
    with pytest.raises(tf.errors.UnavailableError, match="was started again"):
        count.numpy()
    task.connect(1.0)
    with pytest.raises(tf.errors.UnavailableError, match="was started again"):
        count.numpy()
    assert variable_in(task, 4).numpy() == 4


def test_a_task_reaches_another_one_that_was_started_again(task):
    there = Tasks({NAME: task.address})  # of a worker, say, which has called the task before
    before = handle(there, variable_in(task, 1).handle._value.reference)
    assert before.run(find("ReadVariableOp").instance({"dtype": tf.int32}), (before,)) == 1
    address = task.address
    task.service.stop()
    task.service = TaskService(NAME, {NAME: address})
    task.service.start(address)
    task.connect(1.0)
    made = variable_in(task, 2)
    after = handle(there, made.handle._value.reference)
    assert after.run(find("ReadVariableOp").instance({"dtype": tf.int32}), (after,)) == 2
    with pytest.raises(tf.errors.UnavailableError, match="was started again"):
        before.run(find("ReadVariableOp").instance({"dtype": tf.int32}), (before,))


def test_a_task_that_hangs_is_taken_for_lost(task, monkeypatch):
    assert task.is_alive()

    def late(self, *args):
        raise tf.errors.DeadlineExceededError("no answer in time")

    monkeypatch.setattr(Channel, "call", late)
    assert not task.is_alive()
    with pytest.raises(tf.errors.UnavailableError, match="no answer in time"):
        task.connect(0.0)


def test_a_key_is_asked_for(task):
    hello = messages.HelloRequest(task=NAME).SerializeToString()
    with grpc.insecure_channel(task.address) as channel:
        call = channel.unary_unary(f"/{messages.SERVICE}/Hello")
        assert call(hello)
        with override(cluster_key="secret"):
            assert variable_in(task, 4).numpy() == 4
            for wrong in ((), ((KEY, "guess"),)):
                with pytest.raises(grpc.RpcError) as raised:
                    call(hello, metadata=wrong)
                assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


def _sent(task):
    """Requests of each kind that a task answers: [(method, bytes)]."""
    variable = variable_in(task, [1.0, 2.0])
    function = tf.function(lambda x: x * 2.0 + variable).get_concrete_function(tf.ones([2]))
    sent = []
    call = Channel.call

    def kept(self, method, request, *args):
        sent.append((method, request))
        return call(self, method, request, *args)

    Channel.call = kept
    try:
        from penstock._src.distribute.cluster.tasks.functions import run_function

        variable.assign_add([1.0, 1.0])
        values = [np.ones([2], np.float32), variable.handle._value]
        assert run_function(task, function._function, values)[0].tolist() == [4, 5]
    finally:
        Channel.call = call
    return variable, sent


def test_wrong_messages_are_refused(task):
    variable, sent = _sent(task)
    channel = Channel(task.address, messages.SERVICE, NAME)
    draw = random.Random(7)
    replies = errors = 0
    for _ in range(400):
        method, request = draw.choice(sent)
        data = bytearray(request)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            kind = draw.random()
            if kind < 0.6:
                data[at] = draw.randrange(256)
            elif kind < 0.8:
                del data[at : at + draw.randint(1, 9)]
            else:
                data[at:at] = bytes(draw.randrange(256) for _ in range(3))
        try:
            channel.call(method, bytes(data), 20.0)
            replies += 1
        except tf.errors.OpError as error:
            assert not isinstance(error, tf.errors.UnavailableError), error
            errors += 1
    assert replies and errors
    another = Tasks({NAME: task.address})[NAME]
    assert variable_in(another, [1.0]).assign_add([1.0]).numpy().tolist() == [2]
    assert task.is_alive() and variable.dtype == tf.float32


def test_a_graph_that_was_sent_may_only_compute(task):
    from penstock._src.distribute.cluster.tasks.functions import run_function

    reads = tf.function(lambda: tf.io.read_file("/etc/hostname")).get_concrete_function()
    with pytest.raises(tf.errors.PermissionDeniedError, match="PENSTOCK_ALLOW=read_files"):
        run_function(task, reads._function, [])
    calls = tf.function(lambda: tf.py_function(lambda: 1, [], tf.int32)).get_concrete_function()
    with pytest.raises(tf.errors.PermissionDeniedError, match="python"):
        run_function(task, calls._function, [])
    assert function_library(reads._function).function
