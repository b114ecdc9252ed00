"""A worker of `penstock launch`: sets up the environment of its rank, runs the program, and reports its exit to the launcher."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.cluster import events
from penstock._src.bridge.cli.cluster.own_gpu import give_gpu
from penstock._src.bridge.cli.cluster.parent import end_with
from penstock._src.bridge.cli.run import run_program
from penstock._src.cluster.environments import mpi
from penstock._src.cluster.progress import PROGRESS, place

HEARD_WITHIN = 1.0  # seconds that the launcher has to hear of a death before mpiexec acts on it
PORT = 12345  # in TF_CONFIG, whose addresses only name the workers


def main(program: Sequence[str]) -> None:
    """Runs a program as one process of a cluster, watched by this one, and ends with its status."""
    description = mpi.described(os.environ)
    if description is None:
        raise SystemExit("This module is started by `penstock launch`.")
    os.environ["TF_CONFIG"] = tf_config(description.rank, description.size)
    give_gpu(os.environ)
    watcher = os.getpid()
    PROGRESS.share()
    process = os.fork()
    if process:
        sys.exit(_watch(description.rank, process))
    end_with(watcher, signal.SIGKILL)
    _work(description.rank, program)


def _work(rank: int, program: Sequence[str]) -> None:
    """Runs the program. An error ends the process at once: what it would do at its end waits for the others."""
    line_by_line()
    events.tell(rank, events.STARTED)
    status, text = status_of(program)
    if status:
        events.tell(rank, events.FAILED, text, status)
        os._exit(status)
    events.tell(rank, events.FINISHED)


def _watch(rank: int, process: int) -> int:
    """Waits for the program's process, and reports to the launcher if it dies; returns its exit status.

    mpiexec ends all processes when one dies, and does not know which was the first.
    """

    def forward(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended, perhaps by the same signal
            os.kill(process, number)

    signal.signal(signal.SIGTERM, forward)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not status:
        return 0
    if status < 0:
        text = f"it was killed by signal {-status} ({signal.Signals(-status).name})"
        reached = place(PROGRESS.steps, PROGRESS.exchanges)
        text += f" in {reached}" if reached else ""
    else:
        text = f"it ended with status {status}"
    events.tell(rank, events.FAILED, text, max(status, 1), process)
    time.sleep(HEARD_WITHIN)
    return max(status, 1)


def tf_config(rank: int, size: int) -> str:
    """The description of a cluster of workers for programs that read it."""
    cluster = {"worker": [f"worker-{i}:{PORT + i}" for i in range(size)]}
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})


def line_by_line() -> None:
    """Lets this process print line by line, as its output is forwarded."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]


def status_of(program: Sequence[str]) -> tuple[int, str]:
    """Runs the program; returns its exit status, and the error in one line if it failed."""
    try:
        run_program(program)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0, f"it ended with status {end.code}"
        print(end.code, file=sys.stderr)
        return 1, str(end.code)
    except Refused as refusal:
        return 2, str(refusal)
    except BaseException as error:  # KeyboardInterrupt too: the launcher ends the others
        traceback.print_exc()
        return 1, " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    return 0, ""


if __name__ == "__main__":
    main(sys.argv[1:])
