"""Fits a model of the time of a training step to measured points, checks it on others, and draws it to 1,000 workers (docs/scaling.md).

Workers are processes of one thread in network namespaces of this machine, whose links send 1 Gb/s at most (root, `ip` and `tc`).
Every worker has the same number of samples, however many there are. Points of FITTED workers are fitted, those of CHECKED not.

The model, of P workers that exchange n bytes of gradients over links of B bytes per second, on C cores:

    shared(P)      = max(1, P / C)                            processes that share a core take turns
    exchange(P, n) = shared(P) (a + b n + (P - 1) w) + messages(P) l + moved(P) n / B
    step(P)        = shared(P) t + max(last(P), exchange(P, n) - h shared(P) t)

a and b are what a process itself spends on a sum and its bytes, w on the word by which it agrees with each other one, l is the time of
a message on its way, t that of a step without exchanges, h the part of the step during which gradients travel (from the first that is
there), last(P) the exchange of the last pack, which nothing is left to hide. Sums go in a ring up to
16 processes: messages(P) = 2 (P - 1), moved(P) = 2 (P - 1) / P. Above that MPICH halves and doubles: 2 log2 P messages, as many bytes; if P
is not a power of two, some processes first give whole arrays to others (2 more of each).

Usage: scaling.py [--seconds 4] [--cases residual,transformer] [--save points.json] [--load points.json]
"""

import argparse
import json
import math
import os
import pathlib

import clusters
import numpy as np

FITTED, CHECKED = (1, 2, 4), (3, 6, 8)
RATE = 1e9 / 8 * 1448 / 1538  # bytes per second, less what the headers of frames take
WORD = 1e-6  # seconds that a process spends on sending and receiving a word; assumed
MOST_IN_RING = 16
DRAWN = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1024)
SERVERS = 16  # that parameters are divided among, where there are servers
# Networks that are drawn: bytes per second, seconds of a message.
NETWORKS = {"1 Gb/s": (RATE, 50e-6), "10 Gb/s": (10 * RATE, 25e-6), "100 Gb/s": (100 * RATE, 5e-6)}


def run(made, count, *arguments):
    """What `count` processes of bench/cluster_worker.py measure, one on each of as many hosts."""
    where = ["--hosts", ",".join(made.addresses[:count])]
    command = clusters.launched(count, *arguments, options=where)
    return clusters.ran(command, made.command(1), made.environment)


def measured(options):
    """Runs workers of all counts; {case: {workers: figures}}, and {workers: {bytes: seconds}} of sums."""
    points = {case: {} for case in options.cases.split(",")}
    sums = {}
    with clusters.linked_hosts(max(CHECKED)) as made:
        for count in sorted(FITTED + CHECKED):
            if count > 1:
                found = run(made, count, "sums", options.seconds)
                sums[count] = {int(size): times[0] for size, times in found.items()}
            for case in points:
                points[case][count] = run(made, count, "scaling", case, options.seconds)
                print(f"{case}, {count}: {points[case][count]}", flush=True)
    return {"points": points, "sums": sums, "cores": len(os.sched_getaffinity(0))}


def shared(count, cores):
    """How many processes take turns on a core."""
    return max(1.0, count / cores)


def path(count):
    """How many messages follow one another in a sum, and how often its bytes leave a process."""
    power = 1 << (count.bit_length() - 1)
    if count <= MOST_IN_RING:
        return 2 * (count - 1), 2 * (count - 1) / count
    if power == count:
        return 2 * (power.bit_length() - 1), 2 * (count - 1) / count
    return 2 * power.bit_length(), 2 * (power - 1) / power + 2


def fit_exchange(sums, cores):
    """Returns (a, b, l) of the least relative errors over sums of FITTED workers; none is negative."""
    rows, targets = [], []
    for count in (count for count in FITTED if count > 1):
        for size, seconds in sums[count].items():
            turns = shared(count, cores)
            messages, moved = path(count)
            rows.append(np.array([turns, turns * size, messages]) / seconds)
            known = turns * (count - 1) * WORD + moved * size / RATE
            targets.append(1 - known / seconds)
    return not_negative(np.array(rows), np.array(targets))


def not_negative(rows, targets):
    """The least squares solution among those without negative numbers (few unknowns: every subset is tried)."""
    best, found = math.inf, np.zeros(rows.shape[1])
    for chosen in range(1, 1 << rows.shape[1]):
        columns = [i for i in range(rows.shape[1]) if chosen >> i & 1]
        some, *_ = np.linalg.lstsq(rows[:, columns], targets, rcond=None)
        error = float(np.square(rows[:, columns] @ some - targets).sum())
        if (some >= 0).all() and error < best:
            best, found = error, np.zeros(rows.shape[1])
            found[columns] = some
    return found


def exchange(count, size, fitted, cores, rate=RATE, latency=None):
    """Seconds of a sum of `size` bytes."""
    if count == 1:
        return 0.0
    own, per_byte, message = fitted
    message = message if latency is None else latency
    messages, moved = path(count)
    spent = shared(count, cores) * (own + per_byte * size + (count - 1) * WORD)
    return spent + messages * message + moved * size / rate


def step(count, case, hidden, fitted, cores, rate=RATE, latency=None):
    """Seconds of a step of `case`: {"step": seconds of one worker, "bytes": of gradients, "last": of the last pack}."""
    own = shared(count, cores) * case["step"]
    whole = exchange(count, case["bytes"], fitted, cores, rate, latency)
    last = exchange(count, case["last"], fitted, cores, rate, latency)
    return own + max(last, whole - hidden * own)


def step_of_servers(count, case, rate, latency):
    """Seconds of a step of one of `count` workers that read parameters from SERVERS, send them gradients, and wait for no other worker."""
    alone = case["step"] + 2 * (latency + case["bytes"] / rate)
    return max(alone, count * 2 * case["bytes"] / (SERVERS * rate))


def step_of_parts(count, case, hidden, fitted, rate, latency):
    """Seconds of a step whose parameters are divided among the workers: gathered twice, gradients summed into parts."""
    whole = 1.5 * exchange(count, case["bytes"], fitted, math.inf, rate, latency)
    last = exchange(count, case["last"], fitted, math.inf, rate, latency)
    return case["step"] + max(last, whole - hidden * case["step"])


def fit_hidden(points, case, fitted, cores):
    """The part of a step behind which gradients travel, with the least relative error over FITTED workers."""

    def error(hidden):
        return sum(
            (step(count, case, hidden, fitted, cores) / points[count]["inside"] - 1) ** 2
            for count in FITTED
        )

    return min(np.linspace(0, 1, 101), key=error)


def draw(name, case, hidden, fitted):
    """Prints a table of efficiencies: the time of a step alone by its time among many workers."""
    kinds = {
        "": lambda count, *net: step(count, case, hidden, fitted, math.inf, *net),
        " in parts": lambda count, *net: step_of_parts(count, case, hidden, fitted, *net),
        f", {SERVERS} servers": lambda count, *net: step_of_servers(count, case, *net),
    }
    columns = [
        (network + kind, NETWORKS[network], of)
        for kind, of in kinds.items()
        for network in NETWORKS
    ]
    print(f"\nEfficiency of {name}, each worker on a core of its own host:\n")
    print(
        f"| workers | {' | '.join(title for title, *_ in columns)} |\n|--:|{'--:|' * len(columns)}"
    )
    for count in DRAWN:
        row = [f"{case['step'] / of(count, *network):.2f}" for _, network, of in columns]
        print(f"| {count} | {' | '.join(row)} |")


def report(found):
    """Fits, checks and draws."""
    cores = found["cores"]
    sums = {int(count): {int(s): t for s, t in of.items()} for count, of in found["sums"].items()}
    fitted = fit_exchange(sums, cores)
    print(
        f"\na = {fitted[0] * 1e6:.0f} us, b = {fitted[1] * 1e9:.2f} ns per byte, l = {fitted[2] * 1e6:.0f} us"
    )
    print("\n| workers | bytes | measured, ms | model, ms | error | |\n|--:|--:|--:|--:|--:|---|")
    for count, of in sums.items():
        for size, seconds in of.items():
            model = exchange(count, size, fitted, cores)
            kind = "fitted" if count in FITTED else "checked"
            print(
                f"| {count} | {size} | {seconds * 1e3:.2f} | {model * 1e3:.2f} | {model / seconds - 1:+.0%} | {kind} |"
            )
    for name, of in found["points"].items():
        points = {int(count): figures for count, figures in of.items()}
        case = {
            "step": points[1]["none"],
            "bytes": points[1]["bytes"],
            "last": points[1]["last"],
        }
        hidden = fit_hidden(points, case, fitted, cores)
        print(
            f"\n{name}: t = {case['step'] * 1e3:.1f} ms, n = {case['bytes']:,} bytes, the last pack {case['last']:,}, h = {hidden:.2f}"
        )
        print("\n| workers | measured, ms | model, ms | error | |\n|--:|--:|--:|--:|---|")
        for count, figures in points.items():
            model = step(count, case, hidden, fitted, cores)
            kind = "fitted" if count in FITTED else "checked"
            error = model / figures["inside"] - 1
            print(
                f"| {count} | {figures['inside'] * 1e3:.1f} | {model * 1e3:.1f} | {error:+.0%} | {kind} |"
            )
        draw(name, case, hidden, fitted)


def main():
    """Measures, or reads what was measured, and prints the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--cases", default="residual,transformer")
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--load", type=pathlib.Path)
    options = parser.parse_args()
    found = json.loads(options.load.read_text()) if options.load else measured(options)
    if options.save:
        options.save.write_text(json.dumps(found))
    report(found)


if __name__ == "__main__":
    main()
