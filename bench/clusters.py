"""Measures training in several processes of this machine, and prints a table of each kind of figure as Markdown.

sums      the sum of an array over two processes: a compiled step's, the host's, MPI's own, in turns
mirrored  steps of two replicas of one process, side by side and one after another, and of one replica with their batch, in turns
training  samples per second of two processes of one thread each, and of one process of two threads, in turns
sharded   time of a step, and bytes of weights and slots that a process holds, by the stage of ZeRO, in 2 and 4 processes of one thread
link      how much of the exchange of gradients is hidden behind the backward pass, over a link of 1 Gb/s between two network
          namespaces (root, `ip` and `tc`): steps with exchanges in the program, steps that exchange when the backward pass is
          done, steps without exchanges
peers     samples per second of two processes of one thread each: Penstock's by MPI and by gRPC, TensorFlow's
          MultiWorkerMirroredStrategy, PyTorch's DistributedDataParallel over gloo, in turns, with losses of the first steps

Usage: clusters.py [sums] [mirrored] [training] [sharded] [link] [peers] [--rounds 3] [--seconds 5] [--cases residual,transformer]
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import peers as environments

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


def sharded(options):
    """Prints times of steps and held bytes by stage."""
    print("\nFour layers of 1024 x 1024 with Adam, 32 rows for each process.\n")
    print(
        "| processes | stage | step, ms | beside stage 0 | held by each, MB |\n|--:|--:|--:|--:|--:|"
    )
    for count in (2, 4):
        rounds = [
            [ran(launched(count, "sharded", stage, options.seconds)) for stage in range(4)]
            for _ in range(options.rounds)
        ]
        best = [min(r[stage]["step"] for r in rounds) * 1e3 for stage in range(4)]
        for stage, step in enumerate(best):
            held = rounds[0][stage]["held"] / 1e6
            print(
                f"| {count} | {stage} | {step:.1f} | {step / best[0]:.2f} | {held:.1f} |",
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
def linked_hosts(count):
    """Hosts, each of which sends at RATE at most; LATENCY is the longest that a packet waits in its queue."""
    sys.path.insert(0, str(ROOT))
    from tests.harness.hosts import hosts

    with tempfile.TemporaryDirectory() as folder, hosts(count, pathlib.Path(folder)) as made:
        for number in range(1, count + 1):
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
    with linked_hosts(2) as made:
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


def one_by_one(python, prefix, *arguments):
    """Runs bench/cluster_peer.py in two processes that TF_CONFIG describes; gives the JSON that rank 0 prints.

    Raises:
      RuntimeError: it failed; with the end of what rank 0 printed.
    """
    from penstock._src.util.process.ports import free_ports

    cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
    command = [python, *prefix, str(HERE / "cluster_peer.py"), *map(str, arguments)]
    started = []
    for rank in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})
        environment = {**os.environ, "TF_CONFIG": config, "PENSTOCK_THREADS": "1"}
        started.append(
            subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
    try:
        printed = [process.communicate(timeout=900)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    found = [line[7:] for line in printed[0].splitlines() if line.startswith("RESULT ")]
    if not found:
        raise RuntimeError(f"{command}: {printed[0][-2000:]}")
    return json.loads(found[0])


def by_mpi(*arguments):
    """The same for Penstock's processes that mpiexec starts."""
    penstock = [sys.executable, "-m", "penstock", "launch", "-n", "2", "--threads", "1"]
    return ran([*penstock, str(HERE / "cluster_peer.py"), *map(str, arguments)])


PENSTOCK = ("-m", "penstock", "run")
PEERS = {
    "Penstock, MPI": lambda *given: by_mpi("penstock", *given),
    "Penstock, gRPC": lambda *given: one_by_one(sys.executable, PENSTOCK, "penstock", *given),
    "TensorFlow": lambda *given: one_by_one(
        environments.python_of("tensorflow"), (), "tensorflow", *given
    ),
    "PyTorch": lambda *given: one_by_one(environments.python_of("torch"), (), "torch", *given),
}


def peers(options):
    """Prints rates of training beside the peers' and how far the first ten losses are from TensorFlow's."""
    columns = " | ".join(f"{name}, per s" for name in PEERS)
    print(
        f"\n| model | {columns} | to TensorFlow | to PyTorch | greatest difference of ten losses |\n|---|{'--:|' * (len(PEERS) + 3)}"
    )
    for case in options.cases.split(","):
        rates, losses = dict.fromkeys(PEERS, 0.0), {}
        for _ in range(options.rounds):
            for name, run in PEERS.items():
                found = run(case, options.seconds)
                rates[name] = max(rates[name], found["per_s"])
                losses[name] = found["losses"]
        ours = rates["Penstock, MPI"]
        apart = max(abs(a - b) for a, b in zip(losses["Penstock, MPI"], losses["TensorFlow"]))
        row = [f"{rate:.1f}" for rate in rates.values()]
        row += [f"{ours / rates[name]:.2f}" for name in ("TensorFlow", "PyTorch")]
        print(f"| {case} | {' | '.join(row)} | {apart:.1e} |", flush=True)


MEASURES = (sums, mirrored, training, sharded, link, peers)
KINDS = {measure.__name__: measure for measure in MEASURES}


def main():
    """Measures the kinds that are asked for; by default all but peers, which have to be installed first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="kind", help=", ".join(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--cases", default="residual,transformer")
    options = parser.parse_args()
    for kind in options.kinds or [kind for kind in KINDS if kind != "peers"]:
        KINDS[kind](options)


if __name__ == "__main__":
    main()
