"""`penstock launch --restarts`: jobs go on from their checkpoints, with the hosts that are left."""

import re
import signal

import pytest

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.cluster.restarts import Places
from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = pytest.mark.timed

SHELL = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
case $1 in gone*) exit 255;; esac
"""


@pytest.fixture
def remote_shell(tmp_path, monkeypatch):
    shell = tmp_path / "shell"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    monkeypatch.setenv("HYDRA_LAUNCHER_EXEC", str(shell))


def test_ranks_of_hosts_that_do_not_answer_are_left_out(remote_shell):
    assert Places(4, ("a:2", "gone:2"), 2).left() == Places(2, ("a:2",), 2)
    assert Places(5, ("a", "gone", "b"), 3).left() == Places(4, ("a", "b"), 3)
    assert Places(3, ("a", "b"), 3).left() == Places(3, ("a", "b"), 3)
    with pytest.raises(Refused, match=r"gone1:2 does not answer, and 2 of 4 ranks are left"):
        Places(4, ("a:2", "gone1:2"), 3).left()


PROGRAM = """
    import os, signal, sys
    import penstock as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank = strategy.cluster_resolver.task_id
    v = tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(v=v)
    make = tf.distribute.experimental.PreemptionCheckpointHandler
    handler = make(strategy.cluster_resolver, checkpoint, sys.argv[1])

    def step():
        v.assign_add(strategy.reduce("SUM", 1.0, axis=None))

    begun = handler.total_run_calls
    print("begins", begun, flush=True)
    while handler.total_run_calls < 9:
        handler.run(step)
        if sys.argv[2] == "kill" and not begun and rank == 1 and handler.total_run_calls == 4:
            os.kill(os.getpid(), signal.SIGTERM)
    if sys.argv[2] == "wait":
        print("ready", flush=True)
        while True:
            handler.run(step)
    print("ends", v.numpy())
"""


@needs_mpi
def test_a_job_is_started_again_from_its_checkpoint(tmp_path):
    done = launched(
        PROGRAM, tmp_path, 2, "--restarts", "1", arguments=[str(tmp_path / "c"), "kill"]
    )
    assert of_ranks(done) == {rank: ["begins 0", "begins 4", "ends 18.0"] for rank in range(2)}
    assert re.search(r"rank \d of 2 .* ended with status 42", done.stderr)
    assert "starting 2 ranks again (0 restarts left)" in done.stderr


@needs_mpi
def test_workers_save_when_the_launcher_is_to_end(tmp_path):
    folder, ready = tmp_path / "c", []

    def end(line, launcher):
        ready.extend(["x"] if "ready" in line else [])
        if len(ready) == 2:
            ready.append("told")
            launcher.send_signal(signal.SIGTERM)

    done = launched(PROGRAM, tmp_path, 2, arguments=[str(folder), "wait"], check=False, on_line=end)
    assert done.returncode == 143, done.stderr
    assert (folder / "ckpt-1.index").exists() and (folder / "run_calls" / "ckpt-1.index").exists()
