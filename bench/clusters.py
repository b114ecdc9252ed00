"""Measures training in several processes of this machine, and prints a table of each kind of figure as Markdown.

sums      the sum of an array over two processes: a compiled step's, the host's, MPI's own, in turns
mirrored  steps of two replicas of one process, side by side and one after another, and of one replica with their batch, in turns
training  samples per second of two processes of one thread each, and of one process of two threads, in turns
link      how much of the exchange of gradients is hidden behind the backward pass, over a link of 1 Gb/s between two network
          namespaces (root, `ip` and `tc`): steps with exchanges in the program, steps that exchange when the backward pass is
          done, steps without exchanges

Usage: clusters.py [sums] [mirrored] [training] [link] [--rounds 3] [--seconds 5] [--cases residual,transformer]
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RATE, LATENCY = "1gbit", "100us"


def ran(command, prefix=(), environment=None):
    """Runs a command of bench/cluster_worker.py; gives the JSON that rank 0 prints last.

    Raises:
      RuntimeError: it failed; with the end of what it printed.
    """
    done = subprocess.run(
        [*prefix, *command], cwd=ROOT, capture_output=True, text=True, timeout=900,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
    )  # fmt: skip
    found = [line.partition("RESULT ")[2] for line in done.stdout.splitlines() if "RESULT " in line]
    if done.returncode or not found:
        raise RuntimeError(f"{command}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return json.loads(found[0])


def worker(*arguments):
    """The command of a process that measures."""
    return [str(HERE / "cluster_worker.py"), *map(str, arguments)]


def launched(count, *arguments, threads=1, options=()):
    """The command that runs `count` of them."""
    penstock = [sys.executable, "-m", "penstock", "launch", "-n", str(count)]
    return [*penstock, "--threads", str(threads), *options, *worker(*arguments)]


def alone(threads, *arguments):
    """The command and the environment of one process."""
    command = [sys.executable, "-m", "penstock", "run", *worker(*arguments)]
    return command, {"PENSTOCK_THREADS": str(threads)}


def sums(options):
    """Prints the time of sums by their size."""
    rounds = [ran(launched(2, "sums", options.seconds)) for _ in range(options.rounds)]
    print(
        "\n| bytes | in a program, us | on the host, us | MPI, us | program / MPI |\n|--:|--:|--:|--:|--:|"
    )
    for size in rounds[0]:
        program, host, mpi = (min(r[size][i] for r in rounds) * 1e6 for i in range(3))
        print(
            f"| {size} | {program:.1f} | {host:.1f} | {mpi:.1f} | {program / mpi:.2f} |", flush=True
        )


def training(options):
    """Prints rates of training."""
    print(
        "\n| model | 2 processes of 1 thread, per s | 1 process of 2 threads, per s | ratio |\n|---|--:|--:|--:|"
    )
    for case in options.cases.split(","):
        many, one = [], []
        for _ in range(options.rounds):
            many.append(ran(launched(2, "training", case, options.seconds))["per_s"])
            command, environment = alone(2, "training", case, options.seconds)
            one.append(ran(command, environment=environment)["per_s"])
        print(
            f"| {case} | {max(many):.1f} | {max(one):.1f} | {max(many) / max(one):.2f} |",
            flush=True,
        )


def mirrored(options):
    """Prints times of steps of replicas in one process."""
    print("\nA process of 2 threads, milliseconds a step.\n")
    columns = ["model", "2 replicas side by side", "one after another", "gain", "1 replica"]
    print(f"| {' | '.join(columns)} |\n|---|{'--:|' * 4}")
    for case in options.cases.split(","):
        command, environment = alone(2, case, options.seconds)
        command = [part.replace("cluster_worker.py", "mirrored_worker.py") for part in command]
        rounds = [ran(command, environment=environment) for _ in range(options.rounds)]
        beside, after, one = (
            min(r[key] for r in rounds) * 1e3 for key in ("beside", "after", "one")
        )
        row = f"{beside:.1f} | {after:.1f} | {after / beside:.2f} | {one:.1f}"
        print(f"| {case} | {row} |", flush=True)


@contextlib.contextmanager
def linked_hosts():
    """Two hosts, each of which sends at RATE at most; LATENCY is the longest that a packet waits in its queue."""
    sys.path.insert(0, str(ROOT))
    from tests.harness.hosts import hosts

    with tempfile.TemporaryDirectory() as folder, hosts(2, pathlib.Path(folder)) as made:
        for number in (1, 2):
            shape = ["tbf", "rate", RATE, "burst", "128kb", "latency", "50ms"]
            command = [*made.command(number), "tc", "qdisc", "add", "dev", "eth0", "root", *shape]
            subprocess.run(command, check=True)
        yield made


def link(options):
    """Prints what of the exchange is hidden over a shaped link."""
    print(f"\nA link of {RATE}, two hosts of one thread each.\n")
    columns = ["model", "exchange alone, ms", "spent in a step, ms", "hidden"]
    columns += ["step without exchange, ms", "with it in the program", "with it afterwards"]
    print(f"| {' | '.join(columns)} |\n|---|{'--:|' * 6}")
    with linked_hosts() as made:
        where = ["--hosts", ",".join(made.addresses)]
        for case in options.cases.split(","):
            figures = []
            for _ in range(options.rounds):
                command = launched(2, "link", case, options.seconds, options=where)
                figures.append(ran(command, made.command(1), made.environment))
            best = {key: min(f[key] for f in figures) * 1e3 for key in figures[0]}
            hidden = f"{1 - best['spent'] / best['alone']:.0%}"
            names = ("none", "inside", "after")
            row = [
                f"{best['alone']:.1f}",
                f"{best['spent']:.1f}",
                hidden,
                *[f"{best[n]:.1f}" for n in names],
            ]
            print(f"| {case} | {' | '.join(row)} |", flush=True)


KINDS = {"sums": sums, "mirrored": mirrored, "training": training, "link": link}


def main():
    """Measures the kinds that are asked for; by default all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="kind", help=", ".join(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--cases", default="residual,transformer")
    options = parser.parse_args()
    for kind in options.kinds or KINDS:
        KINDS[kind](options)


if __name__ == "__main__":
    main()
