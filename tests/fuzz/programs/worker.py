"""Draws and runs programs one after another; a line of JSON for each."""

import collections
import functools
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import penstock as tf
from tests.fuzz.programs import oracles
from tests.fuzz.programs.drawing import draw
from tests.fuzz.programs.program import standalone
from tests.fuzz.programs.shrink import shrink
from tests.fuzz.programs.tensorflow_peer import peer

KNOWN = collections.Counter()  # how often each error was met
LIMIT = 2 << 30  # bytes of a worker


def ways_of(seed):
    """As users run it for half of them, else native code and another way in turn; TensorFlow for a tenth, if there is one."""
    others = [way for way in oracles.WAYS if way not in ("native", "users")]
    ways = ["users"] if seed // 2 % 2 == 0 else ["native", others[seed // 4 % len(others)]]
    return [*ways, "tensorflow"] if seed % 10 == 0 and peer() else ways


def run(seed, ways=None, seconds=120):
    """Runs the program of a seed; returns what came of it."""
    start = time.perf_counter()
    try:
        with oracles.eagerly(tf):
            program = draw(tf, seed)
    except MemoryError:  # of earlier programs too much is left: `work` ends
        program = None
    if program is None:
        return {"seed": seed, "steps": 0, "draw": time.perf_counter() - start, "finds": []}
    drawn = time.perf_counter() - start
    start = time.perf_counter()
    chosen = ways or ways_of(seed)
    try:
        failures = oracles.check(tf, program, chosen)
    except MemoryError:  # an array that the program makes is too large for the worker
        failures = []
    spent = time.perf_counter() - start
    finds = []
    for failure in failures:
        often = KNOWN[failure.cause(program)] if failure.kind == "error" else 0
        KNOWN[failure.cause(program)] += 1
        small, last = program, failure
        if often < 3:
            small, last = shrink(tf, program, failure, seconds)
        options = {
            "way": last.way,
            "kind": last.kind,
            "what": last.what,
            "cause": last.cause(small),
        }
        finds.append({**options, "text": standalone(small, last.sample), "steps": len(small.steps)})
    return {"seed": seed, "steps": len(program.families), "draw": drawn, "run": spent, "finds": finds,
            "families": list(program.families), "ways": chosen, "calls": len(chosen) * len(program.order)}  # fmt: skip


def work(seeds, run):
    """Runs the program of each seed until seeds end or memory is short; a step that wants too much is not drawn."""
    resource.setrlimit(resource.RLIMIT_AS, (2 * LIMIT, 2 * LIMIT))
    warnings.simplefilter("ignore")
    for seed in seeds:
        print(json.dumps({"start": seed}), flush=True)
        print(json.dumps(run(seed)), flush=True)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 > LIMIT or is_nearly_full():
            return


def is_nearly_full():
    """True if a quarter of the addresses that the process may use is left, or less."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize() > 2 * LIMIT * 3 // 4


if __name__ == "__main__":
    first, step = map(int, sys.argv[1:3])
    work(range(first, sys.maxsize, step), functools.partial(run, ways=sys.argv[3:] or None))
