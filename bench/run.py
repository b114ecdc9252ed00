"""Compares Penstock with its peers in interleaved rounds and writes docs/performance.md.

Each peer has its own virtual environment under build/peers. Every measurement runs in its own process, one backend after the
other, so that drifts of the machine's speed affect all alike; the best of the rounds counts. The raw figures of every round
go to docs/performance/<suite>.json, from which the page is generated.

Usage: run.py [--suites training,latency] [--cases mlp,transformer] [--backends penstock,jax] [--rounds 2] [--no-page]
"""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import platform
import subprocess
import sys

import headline
from peers import python_of
from report import described, page, write

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE.parent / "docs" / "performance"
SUITES = [
    "training",
    "inference",
    "built",
    "browser",
    "latency",
    "kernels",
    "ops",
    "generation",
    "language",
    "growth",
    "shapes",
    "folders",
    "accuracy",
    "serving",
]
MINUTES = 15  # limit for one measurement


def measured(suite, case, backend):
    """Returns the figures of one process, or {"error": the end of its stderr}."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    # Installed packages have their bytecode, as the peers do: no process is to compile Penstock's sources again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [python_of(backend), str(HERE / "child.py"), suite, case, backend]
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60 * MINUTES
        )
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {MINUTES} minutes"}
    for line in run.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    print(f"{suite} {case} on {backend} failed: {run.stderr[-500:]}", file=sys.stderr)
    return {"error": run.stderr.strip().splitlines()[-1][-200:] if run.stderr.strip() else "died"}


def machine():
    """Describes the machine."""
    model = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }


def single_row(case, figures):
    """Returns {row of the tables: its figures}: one process measures one row, unless a suite has `rows` of its own."""
    return {case: figures}


def run_suite(name, cases, backends, rounds, rows_of=single_row):
    """Returns {row: {backend: [figures of each round]}}, and prints each one immediately."""
    results = {}
    for number in range(rounds):
        for case in cases:
            for backend in backends:
                figures = measured(name, case, backend)
                for row, of_row in rows_of(case, figures).items():
                    kept = results.setdefault(row, {each: [] for each in backends})
                    kept[backend].append(of_row)
                shown = "  ".join(
                    f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}"
                    for k, v in figures.items()
                )
                print(f"{name} {number + 1}/{rounds}  {case:28s} {backend:12s} {shown}", flush=True)
    return results


def joined(known, measured_now, cases):
    """Returns earlier results with those of now in place of the same rows on the same backends; `cases` come in their order."""
    rows = dict.fromkeys([*cases, *known, *measured_now])
    results = {row: known.get(row, {}) | measured_now.get(row, {}) for row in rows}
    return {row: backends for row, backends in results.items() if backends}


def earlier(content, measured_now):
    """Returns {row: machine and date} for the rows of `content` that stay although this run did not measure all of them."""
    if not content:
        return {}
    known = content.get("earlier", {})
    return {
        row: known.get(row, described(content["machine"]))
        for row, backends in content["results"].items()
        if not backends.keys() <= measured_now.get(row, {}).keys()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", default=",".join(SUITES))
    parser.add_argument("--cases", default="", help="only these; the page keeps the others")
    parser.add_argument("--backends", default="", help="only these; the page keeps the others")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-page", action="store_true", help="leave docs/performance.md")
    options = parser.parse_args()
    for name in options.suites.split(","):
        suite = importlib.import_module(f"suites.{name}")
        cases = [c for c in suite.CASES if not options.cases or c in options.cases.split(",")]
        backends = [
            b for b in suite.BACKENDS if not options.backends or b in options.backends.split(",")
        ]
        path = RESULTS / f"{name}.json"
        rows_of = getattr(suite, "rows", single_row)
        measured_now = run_suite(name, cases, backends, options.rounds, rows_of)
        is_part = (options.cases or options.backends) and path.exists()
        known = json.loads(path.read_text()) if is_part else {}
        content = {
            "machine": machine(),
            "earlier": earlier(known, measured_now),
            "results": joined(known.get("results", {}), measured_now, suite.CASES),
        }
        write(path, json.dumps(content, indent=1) + "\n")
    if not options.no_page:
        write(RESULTS.parent / "performance.md", page(RESULTS, SUITES))
        headline.main()


if __name__ == "__main__":
    main()
