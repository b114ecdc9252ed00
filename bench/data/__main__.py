"""Runs the pipelines beside TensorFlow's in turns and prints a table.

Usage: python -m bench.data [--only NAME,...] [--tensorflow PYTHON] [--rounds 2] [--seconds 1] [--json FILE]
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

from bench.data.cases import load
from bench.data.comparison import verdict

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MINUTES = 5  # limit for one measurement
HEAD = f"{'pipeline':28s}{'penstock/s':>12s}{'tensorflow/s':>14s}{'ratio':>8s}{'MB':>8s}{'MB theirs':>11s}  elements"


def run(python, *arguments):
    """Returns the JSON that a child process prints, or {"error": the end of its stderr}."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [python, "-m", *map(str, arguments)],
            env={**os.environ, **quiet},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {MINUTES} minutes"}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    return (
        {"error": (done.stderr.strip().splitlines() or ["no result"])[-1]}
        if done.returncode
        else {}
    )


def measured(name, pythons, folder, options):
    """Returns {side: figures} of a pipeline, the best of the rounds."""
    best = {}
    for _ in range(options.rounds):
        for side, python in pythons.items():
            found = run(python, "bench.data.child", name, side, folder, options.seconds)
            held = best.get(side, {})
            if "error" in found or found["rate"] > held.get("rate", 0):
                best[side] = found
    return best


def line(name, figures, made, folder):
    """A line of the table, and the ratio."""
    ours, theirs = figures["penstock"], figures.get("tensorflow", {})
    for side, found in figures.items():
        if "error" in found:
            return f"{name:28s}{side}: {found['error'][-120:]}", None
    if not theirs:
        return f"{name:28s}{ours['rate']:12,.0f}{'':22s}{ours['peak']:8.0f}", None
    ratio, equal = ours["rate"] / theirs["rate"], verdict(folder, name, made.unordered)
    figures["equal"] = equal
    numbers = f"{ours['rate']:12,.0f}{theirs['rate']:14,.0f}{ratio:8.2f}"
    return f"{name:28s}{numbers}{ours['peak']:8.0f}{theirs['peak']:11.0f}  {equal}", ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="the names of pipelines")
    parser.add_argument("--tensorflow", help="the Python that has TensorFlow")
    parser.add_argument("--penstock", default=sys.executable, help="the Python that has Penstock")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--files", type=pathlib.Path, default=ROOT / "build" / "bench_data")
    parser.add_argument("--json", type=pathlib.Path, help="where to store the figures")
    options = parser.parse_args()
    cases = load()
    names = options.only.split(",") if options.only else list(cases)
    pythons = {"penstock": options.penstock}
    if options.tensorflow:
        pythons["tensorflow"] = options.tensorflow
    folder = options.files.resolve()
    problem = run(options.penstock, "bench.data.files", folder)
    if problem:
        sys.exit(f"The files cannot be made: {problem['error']}")
    results, ratios = {}, []
    print(HEAD)
    for name in names:
        results[name] = measured(name, pythons, folder, options)
        text, ratio = line(name, results[name], cases[name], folder)
        print(text, flush=True)
        ratios += [ratio] if ratio else []
    if ratios:
        print(f"geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
