"""`penstock launch`: a program in several processes, on this machine or on many."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, parse_with_program
from penstock._src.bridge.cli.cluster import starters
from penstock._src.bridge.cli.cluster.watch import Watch
from penstock._src.native import host

DESCRIPTION = """Runs a program in N processes that train together: `tf.distribute.MultiWorkerMirroredStrategy()` finds the others, `import tensorflow`
gives Penstock, and each process finds its rank in TF_CONFIG. Lines are printed with the rank of their process. When one fails, all are ended, and
the error names its rank. Needs MPI: pip install 'penstock[mpi]'. Options may stand before or after the program; what follows `--` belongs to it."""


def main(arguments: Sequence[str]) -> int:
    """Runs a program in several processes; returns the exit status of the first that failed, or 0."""
    usage = "penstock launch -n N [--hosts HOST[:N],...] [--threads T] SCRIPT ... | -m MODULE ..."
    parser = Parser("penstock launch", DESCRIPTION, usage=usage)
    parser.add_argument("-n", type=int, required=True, help="how many processes", dest="count")
    parser.add_argument("--hosts", default="", help="where, by commas; HOST:N takes N of them")
    parser.add_argument(
        "--threads", type=int, default=0, help="of each; by default its share of the cores"
    )
    parsed, program = parse_with_program(parser, arguments)
    if parsed.count < 1:
        parser.error(f"-n must be at least 1. Received {parsed.count}")
    hosts = [host for host in parsed.hosts.split(",") if host]
    path, starter = starters.find()
    command = [path, *starter.arguments(parsed.count, hosts), sys.executable]
    command += ["-m", "penstock._src.bridge.cli.cluster.worker", *program]
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    watch = Watch(command, _environment(parsed.count, len(hosts) or 1, parsed.threads), starter)
    try:
        status = watch.run()
    except KeyboardInterrupt:
        return 130
    if status:
        print(f"penstock launch: {watch.error(parsed.count)}", file=sys.stderr)
    return status


def _end(number: int, _: object) -> None:
    """Ends the launcher as Ctrl-C does: it ends the workers first."""
    raise SystemExit(128 + number)


def _environment(count: int, hosts: int, threads: int) -> dict[str, str]:
    """The environment of the workers: this one's, with each worker's share of the cores."""
    made = dict(os.environ)
    if threads or "PENSTOCK_THREADS" not in made:
        here = -(-count // hosts)
        made["PENSTOCK_THREADS"] = str(threads or max(host().cores // here, 1))
    return made
