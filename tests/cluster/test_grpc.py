"""The transport by gRPC: processes that were started one by one, here as threads of one process."""

import atexit
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.transport import Group
from penstock._src.cluster.transports import grpc as module
from penstock._src.cluster.transports import table
from penstock._src.core.errors import AbortedError, DeadlineExceededError, UnavailableError
from penstock._src.util.process.ports import free_ports
from tests.harness.tasks import started

pytestmark = pytest.mark.timed

pytest.importorskip("grpc")


def free_addresses(count):
    """Addresses of this machine at which nobody listens."""
    return tuple(f"127.0.0.1:{port}" for port in free_ports(count))


@pytest.fixture
def cluster():
    """Starts transports: cluster(size) gives what runs a function of each transport side by side."""
    made = []

    def start(size):
        hosts = free_addresses(size)
        pool = ThreadPoolExecutor(size)
        clusters = [Cluster(rank, size, hosts, "a test") for rank in range(size)]
        transports = list(pool.map(module.connect, clusters))
        made.append((transports, pool))
        return lambda function: list(pool.map(function, transports))

    yield start
    for transports, pool in made:
        pool.shutdown()
        for transport in transports:
            atexit.unregister(transport._leave)
            transport._heart.stop()
            transport._server.stop()


def values(rank, dtype, size):
    return np.random.default_rng(rank).integers(0, 9, size).astype(dtype)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("count", [1, 7, 40_000])
def test_reductions(cluster, size, count):
    run = cluster(size)

    def hold(dtype, reduction, merge):
        given = [values(rank, dtype, [count, 2]) for rank in range(size)]
        for one in run(lambda t: t.all_reduce(given[t.cluster.rank], reduction, t.everyone)):
            assert one.dtype == dtype and one.shape == (count, 2)
            np.testing.assert_array_equal(one, merge(given, axis=0))

    for dtype in ("float32", "float16", "int64"):
        hold(dtype, "Add", np.sum)
        hold(dtype, "Max", np.max)


def test_random_sums_are_equal_to_the_bit_in_all(cluster):
    draw = np.random.default_rng(2)
    given = draw.normal(size=[3, 100_003]).astype(np.float32)
    run = cluster(3)

    def exchanged(kind, packs):
        return [
            found[0]
            for found in run(
                lambda t: t.exchange_packs(kind, [packs[t.cluster.rank]], "Add", t.everyone)
            )
        ]

    for rows in (100_002, 3):  # around in a ring; from everyone to everyone
        parts = exchanged("reduce_scatter", given[:, :rows])
        np.testing.assert_allclose(np.concatenate(parts), given[:, :rows].sum(0), 1e-5, 1e-6)
        for whole in exchanged("all_gather", parts):
            np.testing.assert_array_equal(whole, np.concatenate(parts))
    first, *others = exchanged("all_reduce", given)
    np.testing.assert_allclose(first, given.sum(0), rtol=1e-5, atol=1e-6)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_what_is_large_goes_in_pieces(cluster, monkeypatch):
    monkeypatch.setattr(module, "PIECE", 1000)
    given = np.random.default_rng(2).normal(size=[2, 30_000])
    for found in cluster(2)(lambda t: t.all_reduce(given[t.cluster.rank], "Add", t.everyone)):
        np.testing.assert_array_equal(found, given.sum(0))


def test_movements(cluster):
    def exchanges(t):
        rank = t.cluster.rank
        counts = [1, 0, 2]
        rows = np.full([counts[rank], 2], rank, np.int32)
        t.barrier()
        pair = Group((2, 0), channel=5)
        return (
            t.all_gather(np.float32([rank, -rank]), t.everyone).tolist(),
            t.gather_rows(rows, counts, t.everyone).tolist(),
            t.broadcast(np.int8([rank]), 1, t.everyone).tolist(),
            t.all_to_all(np.int16([[10 * rank + i] for i in range(3)]), t.everyone).tolist(),
            t.all_gather(np.int64(rank), pair).tolist() if rank in pair.ranks else None,
        )

    for rank, found in enumerate(cluster(3)(exchanges)):
        assert found == (
            [[0, 0], [1, -1], [2, -2]],
            [[0, 0], [2, 2], [2, 2]],
            [1],
            [[rank], [10 + rank], [20 + rank]],
            None if rank == 1 else [2, 0],
        )


def test_one_that_does_not_come_is_named_and_nothing_more_is_exchanged(cluster):
    def exchange(t):
        if t.cluster.rank == 1:
            return None
        with pytest.raises(DeadlineExceededError, match="Rank 1 of 3 has not joined") as raised:
            t.exchange_words(np.int64([1]), t.everyone, timeout=0.5)
        with pytest.raises(UnavailableError, match="can no longer exchange values: Rank 1"):
            t.barrier()
        return raised.value

    assert sum(found is not None for found in cluster(3)(exchange)) == 2


def test_one_that_is_gone_is_named(cluster):
    def exchange(t):
        if t.cluster.rank == 1:
            t._server.stop()
            return
        with pytest.raises(UnavailableError, match=r"[Rr]ank 1 .*127\.0\.0\.1"):
            t.barrier()

    cluster(2)(exchange)


def test_a_failure_wakes_those_who_wait(cluster):
    def exchange(t):
        if t.cluster.rank == 1:
            time.sleep(0.3)
            t._channels[0].call("Failed", b"Rank 1 of 2 has failed.")
            return
        with pytest.raises(AbortedError, match="Rank 1 of 2 has failed"):
            t.barrier()

    cluster(2)(exchange)


def test_a_message_that_comes_twice_counts_once():
    box = module.Mailbox()
    request = module.HEADER.pack(1, 0, 7, 0) + b"x"
    box.put(request)
    assert box.take((1, 0, 7, 0), 1) == b"x"
    box.put(request)
    assert box.take((1, 0, 7, 0), 0.01) is None and not box._messages


def test_another_cluster_at_an_address_is_refused(cluster):
    hosts = []
    cluster(2)(lambda t: hosts.append(t.cluster.hosts[0]) if t.cluster.rank == 0 else None)
    (own,) = free_addresses(1)
    with pytest.raises(UnavailableError, match="the process there has rank 0 of 2"):
        module.connect(Cluster(1, 3, (hosts[0], own, hosts[0]), "a test"))


def test_the_transport_follows_from_who_started_the_processes(monkeypatch):
    named = Cluster(0, 2, ("a:1", "b:1"), "TF_CONFIG")
    monkeypatch.delenv("PMI_RANK", raising=False)
    assert table._chosen(named) == "grpc" and table._chosen(Cluster(0, 2, (), "x")) == "mpi"
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    assert table._chosen(named) == "mpi"


PROGRAM = """
import sys, time
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    v = tf.Variable(float(strategy.cluster_resolver.task_id + 1))
print(v.numpy(), float(strategy.reduce("SUM", 2.0, axis=None)), flush=True)
if strategy.cluster_resolver.task_id == 1:
    time.sleep(900)
strategy.reduce("SUM", 2.0, axis=None)
"""


def test_a_killed_process_ends_the_others_with_its_rank(tmp_path):
    first, second = started(PROGRAM, tmp_path, 2)
    assert first.stdout.readline() == second.stdout.readline() == "1.0 4.0\n"
    second.kill()
    _, errors = first.communicate(timeout=240)
    second.communicate()
    assert first.returncode == 1
    assert "rank 1" in errors.lower() and "UnavailableError" in errors, errors


def test_messages_of_any_length_arrive_in_order(cluster, monkeypatch):
    monkeypatch.setattr(module, "PIECE", 1000)
    sizes = [0, 3, 5_000, 1, 999]

    def sent(transport):
        messages, own = transport.messages(), transport.cluster.rank
        others = [rank for rank in range(3) if rank != own]
        for size in sizes:
            for rank in others:
                messages.send(rank, np.full([size], 10 * own + rank, np.uint8))
        return {rank: [messages.receive(rank) for _ in sizes] for rank in others}

    for own, found in enumerate(cluster(3)(sent)):
        for rank, arrived in found.items():
            assert [message.size for message in arrived] == sizes
            assert all((message == 10 * rank + own).all() for message in arrived)
