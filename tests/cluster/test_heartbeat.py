"""Processes that stop answering are found out, whatever they were in; slow ones are named."""

import os
import re
import signal
import sys
import threading

import pytest

from penstock._src.bridge.cli.cluster.watch import is_alive
from penstock._src.cluster.description import Cluster
from penstock._src.cluster.heartbeat import Heartbeat
from penstock._src.cluster.stragglers import NAMED_EVERY, ROUNDS, Report, Stragglers
from tests.harness.processes import launched, needs_mpi, of_ranks
from tests.harness.tasks import needs_grpc, started
from tests.harness.waiting import PATIENCE

pytestmark = pytest.mark.timed


LIMIT = 0.7  # seconds, of which the tests make as many pass as they like


class Ring:
    """Processes of a cluster whose messages are function calls; those in `silent` send none."""

    def __init__(self, size):
        self.silent, self.losses = set(), {}
        self.hearts = [self._heart(rank, size) for rank in range(size)]
        self.beating = list(self.hearts)
        for heart in self.hearts:
            heart.listen()

    def _heart(self, rank, size):
        def post(to, words):
            if rank not in self.silent:
                self.hearts[to].take(words)

        return Heartbeat(
            Cluster(rank, size), post, tuple, lambda text: self.losses.setdefault(rank, text), LIMIT
        )

    def leave(self, rank):
        self.beating.remove(self.hearts[rank])
        self.hearts[rank].leave()

    def let_pass(self, seconds):
        for _ in range(round(seconds / self.hearts[0].pause)):
            for heart in self.beating:
                heart.beat(heart.pause)


@needs_mpi
def test_one_that_keeps_the_interpreter_lock_is_not_taken_for_lost(tmp_path):
    program = """
    import ctypes, os
    import penstock as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    total = lambda: float(strategy.reduce("SUM", tf.constant(1.0), axis=None))
    print(total())
    if strategy.cluster_resolver.task_id == 1:
        ctypes.PyDLL(None).usleep(6_000_000)  # keeps the lock, for twice the heartbeat
    print(total())
    """
    done = launched(program, tmp_path, 2, environment={"PENSTOCK_HEARTBEAT": "3"})
    assert of_ranks(done) == {0: ["2.0", "2.0"], 1: ["2.0", "2.0"]}


def test_all_are_told_of_one_that_is_silent():
    ring = Ring(4)
    ring.let_pass(3 * LIMIT)
    ring.silent.add(2)
    ring.let_pass(0.8 * LIMIT)
    assert not ring.losses
    ring.let_pass(0.4 * LIMIT)
    assert sorted(set(ring.losses) - {2}) == [0, 1, 3]
    assert {ring.losses[rank].split(" has not")[0] for rank in (0, 1, 3)} == {"Rank 2 of 4"}


def test_one_that_left_is_missed_by_nobody_and_the_ring_closes():
    ring = Ring(3)
    ring.leave(1)
    ring.let_pass(3 * LIMIT)
    assert not ring.losses
    ring.silent.add(0)
    ring.let_pass(1.2 * LIMIT)
    assert "Rank 0 of 3" in ring.losses[2]


def shares(*each):
    """Rounds of reports in which processes wait for these shares of a second."""
    stragglers, lines = Stragglers(len(each)), []
    for round in range(ROUNDS + NAMED_EVERY + 2):
        for rank, share in enumerate(each):
            report = Report(round * 10**9, int(share * round * 1e9), steps=round)
            lines += stragglers.note(rank, report)
    return lines


def test_only_processes_for_which_others_wait_are_slow():
    assert shares(0.5, 0.5, 0.5, 0.5) == shares(0.1, 0.0, 0.1) == []
    lines = shares(0.6, 0.55, 0.02, 0.5)
    assert len(lines) == 2
    assert lines[0].startswith(
        "Rank 2 of 4 is slow: the others wait 55 % of the time for it, and it 2 % for them"
    )
    assert {line.split(" of ")[0] for line in shares(0.9, 0.0)} == {"Rank 1"}


def test_one_slow_round_is_no_straggler():
    stragglers = Stragglers(2)
    for round, waited in enumerate([0, 0.9, 0.9, 0.9, 1.8, 1.8]):
        assert not stragglers.note(0, Report(round * 10**9, int(waited * 1e9)))
        assert not stragglers.note(1, Report(round * 10**9, 0))


PROGRAM = """
import os, sys, time
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
rank = strategy.cluster_resolver.task_id
total = tf.function(lambda x: strategy.run(lambda v: tf.distribute.get_replica_context().all_reduce("SUM", v), (x,)))
for step in range(100000):
    total(tf.ones([1000]))
    if step == 20:
        print("pid", os.getpid(), flush=True)
    time.sleep(0.01 if rank < 2 else 0.001)
"""
LOSS = r"UnavailableError: Rank 1 of \d has not answered for 4 s: .* Its last sign was from exchange \d+\."


def test_a_heartbeat_may_be_ended_on_its_own_thread():
    ended, hearts = threading.Event(), []

    def poll():
        hearts[0].stop()
        ended.set()
        return ()

    hearts.append(Heartbeat(Cluster(0, 2), lambda to, words: None, poll, lambda text: None, LIMIT))
    hearts[0].listen()
    hearts[0].start()
    assert ended.wait(PATIENCE)


@needs_mpi
def test_a_stopped_process_ends_all_by_mpi(tmp_path):
    pids = {}

    def stop(line, _):
        if found := re.match(r"\[(\d)\] pid (\d+)", line):
            pids[found[1]] = int(found[2])
        if found and len(pids) == 3:
            os.kill(pids["1"], signal.SIGSTOP)

    done = launched(
        PROGRAM, tmp_path, 3, check=False, environment={"PENSTOCK_HEARTBEAT": "4"}, on_line=stop
    )
    assert re.search(rf"rank [02] of 3 .*{LOSS}", done.stderr), done.stderr
    assert not is_alive(pids["1"])


@needs_grpc
def test_a_stopped_process_ends_all_by_grpc(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HEARTBEAT", "4")
    processes = started(PROGRAM, tmp_path, 3)
    for process in processes:
        process.stdout.readline()
    processes[1].send_signal(signal.SIGSTOP)
    for rank in (0, 2):
        _, errors = processes[rank].communicate(timeout=240)
        assert processes[rank].returncode == 1 and re.search(LOSS, errors), errors
    processes[1].kill()
    processes[1].communicate()


@needs_mpi
def test_one_that_is_killed_is_named_with_how_far_it_came(tmp_path):
    program = PROGRAM + "    if step == 30 and rank == 1: os.kill(os.getpid(), 9)\n"
    done = launched(program, tmp_path, 2, check=False)
    assert re.search(
        r"rank 1 of 2 .* killed by signal 9 \(SIGKILL\) in exchange \d+\.", done.stderr
    ), done.stderr


@needs_mpi
def test_a_process_waits_for_others_at_its_end_without_being_missed(tmp_path):
    program = """
        import time
        import penstock as tf
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if strategy.cluster_resolver.task_id == 0:
            time.sleep(4)
        print("done")
    """
    done = launched(program, tmp_path, 2, environment={"PENSTOCK_HEARTBEAT": "2"})
    assert of_ranks(done) == {0: ["done"], 1: ["done"]}


if sys.platform != "linux":
    pytestmark = pytest.mark.skip(reason="processes are stopped and looked up as on Linux")
