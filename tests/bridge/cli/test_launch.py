"""`penstock launch`: processes are started with ranks, and none outlives another's failure."""

import re
import signal
import subprocess
import sys

import pytest

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.cluster import starters
from penstock._src.bridge.cli.cluster.own_gpu import give_gpu
from penstock._src.bridge.cli.cluster.watch import is_alive
from penstock._src.util.process.installing import pip_install
from tests.harness.processes import launched, needs_mpi, of_ranks
from tests.harness.waiting import eventually

pytestmark = [needs_mpi, pytest.mark.timed]


def test_every_process_finds_its_rank(tmp_path):
    program = """
        import json, os, sys
        task = json.loads(os.environ["TF_CONFIG"])["task"]
        print("task", task["index"], os.environ["PENSTOCK_THREADS"])
        print("to stderr", file=sys.stderr)
    """
    done = launched(program, tmp_path, 3, "--threads", "2")
    assert of_ranks(done) == {rank: [f"task {rank} 2"] for rank in range(3)}
    assert sorted(done.stderr.split("\n"))[-3:] == [f"[{i}] to stderr" for i in range(3)]


@pytest.mark.parametrize(
    "death, reason",
    [
        ("raise ValueError('no such file')", r"ValueError: no such file"),
        ("sys.exit(7)", "it ended with status 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"it was killed by signal 9 \(SIGKILL\)"),
    ],
    ids=["error", "exit", "killed"],
)
def test_one_death_ends_all_with_an_error_that_names_the_rank(tmp_path, death, reason):
    program = f"""
        import os, signal, sys, time
        import penstock as tf
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        rank = strategy.cluster_resolver.task_id
        print("alive", os.getpid(), flush=True)
        if rank == 1:
            {death}
        time.sleep(900)
    """
    done = launched(program, tmp_path, 2, check=False)
    assert done.returncode == (7 if "exit" in death else 1)
    last = done.stderr.strip().splitlines()[-1]
    assert re.fullmatch(
        rf"penstock launch: rank 1 of 2 \(process \d+ on .*\) failed: {reason}( in exchange \d+)?\. All ranks have been ended\.",
        last,
    ), done.stderr
    for line in (line for lines in of_ranks(done).values() for line in lines):
        process = line.split()[1]
        state = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True)
        assert state.stdout.strip()[:1] in ("", "Z"), f"process {process} is still there"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_launcher_ends_all(tmp_path, ending):
    pids: list[int] = []
    program = """
        import os, time
        print(os.getppid(), os.getpid(), flush=True)
        time.sleep(900)
    """

    def note(line, launcher):
        pids.extend(int(word) for word in line.split()[1:])
        if len(pids) == 4:
            launcher.send_signal(ending)

    done = launched(program, tmp_path, 2, check=False, on_line=note)
    assert done.returncode == (-ending if ending == signal.SIGKILL else 128 + ending)
    assert len(pids) == 4 and eventually(lambda: not any(map(is_alive, pids)))


def test_bad_command_lines():
    for arguments, message in (
        (["-n", "0", "x.py"], "at least 1"),
        (["x.py"], "required: -n"),
        (["-n", "2"], "expected a script"),
    ):
        command = [sys.executable, "-m", "penstock", "launch", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and message in done.stderr, done.stderr


def test_a_failure_without_mpi_ends_the_others_quietly(tmp_path):
    program = """
        import json, os, time
        if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 2:
            raise KeyError("nothing")
        time.sleep(900)
    """
    done = launched(program, tmp_path, 3, check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[2]")]
    assert len(lines) == 1 and "rank 2 of 3" in lines[0], done.stderr


def test_one_that_hangs_is_named(tmp_path):
    program = """
        import os, signal, sys, time
        import penstock as tf
        options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=4.0)
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        for step in range(3):
            print(float(strategy.reduce("SUM", 1.0, axis=None)), flush=True)
            if strategy.cluster_resolver.task_id == 1 and step == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
    """
    patient = {"PENSTOCK_HEARTBEAT": "60"}  # so that it is the exchange that finds it
    done = launched(program, tmp_path, 3, check=False, environment=patient)
    assert of_ranks(done)[0] == ["3.0", "3.0"]
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(
        r"rank [02] of 3 .* failed: DeadlineExceededError: Rank 1(, [02])? of 3 has not joined an exchange "
        r"within 4 s\.",
        last,
    ), done.stderr


def test_without_mpi_an_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(starters.sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match=re.escape(f"mpiexec is not installed: {pip_install('mpi')}")):
        starters.find()


@pytest.mark.parametrize(
    ("gpus", "given", "seen"),
    [
        (2, {"MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}, "1"),
        (4, {"OMPI_COMM_WORLD_LOCAL_RANK": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}, "2"),
        (1, {"MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}, None),
        (2, {"MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "1"}, None),
        (2, {"MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2", "CUDA_VISIBLE_DEVICES": "5"}, "5"),
        (2, {"MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2", "PENSTOCK_DEVICE": "CPU"}, None),
        (2, {}, None),
    ],
)
def test_processes_of_a_machine_get_a_gpu_each_if_there_are_enough(tmp_path, gpus, given, seen):
    for name in (*(f"nvidia{i}" for i in range(gpus)), "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    variables = {"PENSTOCK_DEVICE": "GPU", **given}
    give_gpu(variables, tmp_path)
    assert variables.get("CUDA_VISIBLE_DEVICES") == seen
