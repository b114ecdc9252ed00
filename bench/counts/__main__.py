"""Compares the instructions of the working tree with those of another commit.

Usage: python -m bench.counts [--since HEAD~1] [--groups eager,models] [--more 0.05]
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from bench.counts import callgrind
from bench.counts.cases import GROUPS, UNCACHED, WHOLE

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "counts"
# Equal sources differ by up to 0.04 in cases of a few thousand instructions: addresses decide how dictionaries lie.
MORE = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", default="HEAD", help="the commit to compare with")
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--more", type=float, default=MORE, help="share that counts as more")
    given = parser.parse_args()
    groups = given.groups.split(",")
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        parser.error(f"no groups {unknown}: there are {', '.join(GROUPS)}")
    commit = _commit(given.since)
    if not commit:
        parser.error(f"no commit {given.since}")
    valgrind = _valgrind()
    before = _checkout(commit)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # Models take longest: they begin first.
        order = sorted(groups, key="models".__ne__)
        runs = {
            (tree, group): pool.submit(counted, valgrind, tree, group)
            for group in order
            for tree in (before, ROOT)
        }
        then, now = (
            {k: v for group in groups for k, v in runs[tree, group].result().items()}
            for tree in (before, ROOT)
        )
    return 1 if _print(then, now, given.more) else 0


def _valgrind():
    """A command's words that run Valgrind: the system's, or Debian's package beside it."""
    if shutil.which("valgrind"):
        return lambda *words: list(words)
    from tools.platforms.debian import Tools

    return Tools(BUILD / "valgrind", ["valgrind"]).command


def _commit(name):
    """The first twelve digits of a commit; "" if there is no such commit."""
    parse = ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    return subprocess.run(parse, cwd=ROOT, capture_output=True, text=True).stdout[:12]


def _checkout(commit):
    """The folder with the sources of a commit."""
    folder = BUILD / "trees" / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpacked = tempfile.mkdtemp(dir=folder.parent)
        archive = ["git", "archive", commit, "penstock"]
        packed = subprocess.run(archive, cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", unpacked], input=packed, check=True)
        pathlib.Path(unpacked).rename(folder)
    return folder


def counted(valgrind, tree, group):
    """{label: instructions of one call} of the cases of a group, with a tree's sources."""
    cache = BUILD / "caches" / tree.name
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}",
        "PYTHONHASHSEED": "0",
        "KERAS_BACKEND": "tensorflow",
        "OPENBLAS_NUM_THREADS": "1",
        "PENSTOCK_THREADS": "1",
        "PENSTOCK_CPU": "x86-64-v3",
        "PENSTOCK_CACHE_DIR": "none" if group in UNCACHED else str(cache),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "bench.counts.cases", group]
    with tempfile.TemporaryDirectory() as folder:
        # Without Valgrind first: kernels and bytecode are in their caches then.
        subprocess.run(command, env=environment, cwd=folder, check=True)
        under = callgrind.command(folder, from_start=group in WHOLE)
        subprocess.run(valgrind(*under, *command), env=environment, cwd=folder, check=True)
        totals = callgrind.totals(folder)
    if group in WHOLE:
        return {group: totals[""]}
    counts = {}
    for label, total in totals.items():
        if label:
            times, name = label.split(" ", 1)
            counts[name] = total / int(times)
    return counts


def _print(then, now, more):
    """Prints a table; returns the cases that take more instructions."""
    width = max(map(len, now))
    print(f"{'instructions':{width}}  {'before':>14}  {'now':>14}  now / before")
    worse = []
    for label, count in now.items():
        ratio = count / then[label] if label in then else float("nan")
        mark = "  MORE" if ratio > 1 + more else ""
        worse += [label] if mark else []
        print(f"{label:{width}}  {then.get(label, 0):14,.0f}  {count:14,.0f}  {ratio:.3f}{mark}")
    results = BUILD / "counts.json"
    results.write_text(json.dumps({"before": then, "now": now}, indent=1))
    return worse


if __name__ == "__main__":
    sys.exit(main())
