"""`penstock launch`: a program in several processes, on this machine or on many."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, parse_with_program
from penstock._src.bridge.cli.cluster import elastic, starters
from penstock._src.bridge.cli.cluster.restarts import Places
from penstock._src.bridge.cli.cluster.watch import Watch
from penstock._src.cluster.elastic.membership import Membership
from penstock._src.native import host
from penstock._src.util.process.installing import pip_install

DESCRIPTION = """Runs a program in N processes that train together: `tf.distribute.MultiWorkerMirroredStrategy()` finds the others, `import tensorflow`
gives Penstock, and each process finds its rank in TF_CONFIG. Lines are printed with the rank of their process. When one fails, all are ended, and
the error names its rank. Needs MPI: {install}. Options may stand before or after the program; what follows `--` belongs to it."""

# The exit status of a program that Ctrl-C ended, as shells report it.
_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str]) -> int:
    """Runs a program in several processes; returns the exit status of the first that failed, or 0."""
    parser = _parser()
    parsed, program = parse_with_program(parser, arguments)
    _check(parser, parsed)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    if parsed.elastic:
        return _run_elastic(parsed, program)
    hosts = tuple(host for host in parsed.hosts.split(",") if host)
    places = Places(parsed.count, hosts, parsed.least or parsed.count)
    for left in range(parsed.restarts, -1, -1):
        try:
            status = _run(places, parsed.threads, program)
        except KeyboardInterrupt:
            return _INTERRUPTED
        if not status or not left:
            return status
        places = places.left()
        print(
            f"penstock launch: starting {places.count} ranks again ({left - 1} restarts left).",
            file=sys.stderr,
            flush=True,
        )
    return status


def _parser() -> Parser:
    usage = (
        "penstock launch -n N [--hosts HOST[:N],...] [--threads T] [--restarts R [--min M]] "
        "[--elastic MIN:MAX [--job FILE]] SCRIPT ... | -m MODULE ..."
    )
    parser = Parser("penstock launch", DESCRIPTION.format(install=pip_install("mpi")), usage=usage)
    parser.add_argument("-n", type=int, required=True, help="how many processes", dest="count")
    parser.add_argument("--hosts", default="", help="where, by commas; HOST:N takes N of them")
    parser.add_argument(
        "--threads", type=int, default=0, help="of each; by default its share of the cores"
    )
    parser.add_argument(
        "--restarts", type=int, default=0, help="how often all are started again after a failure"
    )
    parser.add_argument(
        "--min", type=int, default=0, help="how many are enough if a host is gone", dest="least"
    )
    parser.add_argument(
        "--elastic", default="", metavar="MIN:MAX", help="workers come and go while the job runs"
    )
    parser.add_argument("--job", default="", help="file for the address of an elastic job")
    return parser


def _check(parser: Parser, parsed: argparse.Namespace) -> None:
    """Refuses numbers out of range, and options that exclude each other."""
    if parsed.count < 1:
        parser.error(f"-n must be at least 1. Received {parsed.count}")
    if not 0 <= parsed.least <= parsed.count:
        parser.error(f"--min must be at most -n. Received {parsed.least}")
    for name in ("threads", "restarts"):
        if getattr(parsed, name) < 0:
            parser.error(f"--{name} must not be negative. Received {getattr(parsed, name)}")
    if parsed.job and not parsed.elastic:
        parser.error("--job needs --elastic: it is the file of an elastic job's address")
    if parsed.elastic and (parsed.hosts or parsed.least):
        parser.error("--elastic starts workers on this machine, without --hosts and --min")


def _run_elastic(parsed: argparse.Namespace, program: Sequence[str]) -> int:
    """Runs a program in an elastic job; returns the exit status."""
    least, most = elastic.bounds(parsed.elastic, parsed.count)
    environment = _environment(most, 1, parsed.threads)
    membership = Membership(least, most, parsed.count, secrets.token_hex(8))
    job = elastic.ElasticJob(membership, program, environment, parsed.restarts, parsed.job)
    try:
        return job.run()
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(places: Places, threads: int, program: Sequence[str]) -> int:
    """Runs a program once; returns the exit status."""
    path, starter = starters.find()
    command = [path, *starter.arguments(places.count, places.hosts), sys.executable]
    command += ["-m", "penstock._src.bridge.cli.cluster.worker", *program]
    watch = Watch(command, _environment(places.count, len(places.hosts) or 1, threads), starter)
    status = watch.run()
    if status:
        print(f"penstock launch: {watch.error(places.count)}", file=sys.stderr)
    return status


def _end(number: int, _: object) -> None:
    """Ends the launcher as Ctrl-C does: it ends the workers first."""
    raise SystemExit(128 + number)


def _environment(count: int, hosts: int, threads: int) -> dict[str, str]:
    """The environment of the workers: this one's, with each worker's share of the cores."""
    variables = dict(os.environ)
    if threads or "PENSTOCK_THREADS" not in variables:
        here = -(-count // hosts)
        variables["PENSTOCK_THREADS"] = str(threads or max(host().cores // here, 1))
    return variables
