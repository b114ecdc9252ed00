"""Runs mutation testing, as `python -m tests.mutation --help` describes it."""

import argparse
import collections
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import hypothesis  # noqa: F401  (what every process needs is imported once)
import llvmlite.binding  # noqa: F401
import ml_dtypes  # noqa: F401
import numpy  # noqa: F401
import pytest

from tests.mutation import recording, running
from tests.mutation.mutants import Mutant, mutants_of

ROOT = running.PACKAGE.parents[1]
FOLDERS = ("ir/rules", "compiler/fusion", "compiler/plan")
# Tests that are about these folders.
TESTS = ("tests/ir", "tests/compiler", "tests/runtime", "tests/conformance/test_fuzz.py")
RECORDED = ROOT / ".mutation" / "tests.json"
CONTROLS = 4
DONE = ("killed", "timeout")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=recording.__doc__)
    parser.add_argument("--only", nargs="+", default=FOLDERS, help="folders of penstock/_src")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="folders of tests")
    parser.add_argument("--sample", type=int, help="mutants of each folder; all, unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests per mutant")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--again", action="store_true", help="record the tests' lines again")
    parser.add_argument("--add", nargs="+", help="record these tests, too, which are new")
    parser.add_argument("--out", type=Path, default=RECORDED.with_name("outcomes.json"))
    parser.add_argument("--retry", type=Path, help="only what survived, by a file of outcomes")
    return parser.parse_args()


def chosen(folder: str, given: argparse.Namespace) -> list[Mutant]:
    """The mutants of a folder, or a sample of them."""
    files = sorted((running.PACKAGE / folder).rglob("*.py"))
    found = [mutant for path in files for mutant in mutants_of(path)]
    if given.retry:
        outcomes = json.loads(given.retry.read_text())[folder]
        return [m for m in found if outcomes.get(m.name(ROOT), "killed") not in DONE]
    if given.sample is None or given.sample >= len(found):
        return found
    return random.Random(given.seed).sample(found, given.sample)


def is_recorded() -> bool:
    """Whether it is known which tests execute the lines of the files as they are."""
    if not RECORDED.exists():
        return False
    files = [path for folder in FOLDERS for path in (running.PACKAGE / folder).rglob("*.py")]
    return max(path.stat().st_mtime for path in files) < RECORDED.stat().st_mtime


class Outcomes:
    """What came of each mutant, written down as it comes."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.by_folder: dict[str, dict[str, str]] = {}

    def report(self, folder: str):
        """What to call with a job of a folder and its outcome."""
        held = self.by_folder.setdefault(folder, {})

        def reported(job: running.Job, outcome: str) -> None:
            if outcome == "unchanged":
                return  # it is run afterwards, in a process of its own
            if job.mutant.what == running.NOTHING:
                if outcome != "survived":
                    sys.exit(f"Tests fail without a mutant, or take too long: {job.tests[:3]} ...")
                return
            held[job.mutant.name(ROOT)] = outcome
            if outcome == "survived":
                print(f"survived {len(job.tests)} tests: {job.mutant.name(ROOT)}", flush=True)
            self.out.write_text(json.dumps(self.by_folder, indent=1))

        return reported


def run(folder: str, record: recording.Record, given: argparse.Namespace, to: Outcomes) -> None:
    """Runs the mutants of a folder."""
    jobs = [running.Job(mutant, record, given.budget) for mutant in chosen(folder, given)]
    report = to.report(folder)
    for job in jobs:
        if not job.tests:
            report(job, "not covered")
            print(f"not covered: {job.mutant.name(ROOT)}", flush=True)
    covered = [job for job in jobs if job.tests]
    in_functions = with_controls([job for job in covered if job.in_function])
    server = os.fork()
    if not server:
        run_server(in_functions, report, to, given.workers)
    if os.waitstatus_to_exitcode(os.waitpid(server, 0)[1]):
        sys.exit(1)
    if in_functions:
        to.by_folder[folder].update(json.loads(to.out.read_text())[folder])
    held = to.by_folder[folder]
    left = with_controls([job for job in covered if job.mutant.name(ROOT) not in held])
    running.run_all(left, lambda job: lambda: running.run_fresh(job), report, given.workers)


def with_controls(jobs: list[running.Job]) -> list[running.Job]:
    """Jobs, some of them once more without a change, so that tests which fail by themselves kill nothing."""
    return [*[job.unchanged() for job in jobs[:: len(jobs) // CONTROLS + 1]], *jobs]


def run_server(jobs, report, to: Outcomes, workers: int) -> None:
    """Runs mutants of functions in processes forked from this one, which ends."""
    files = sorted({test.partition("::")[0] for job in jobs for test in job.tests})
    code = 1
    try:
        server = running.Server(jobs, report, workers)
        code = int(pytest.main([*recording.OPTIONS, *files], plugins=[server]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def in_process(function, *args) -> None:
    """Calls a function in a forked process, so that this one imports nothing of the package."""
    pid = os.fork()
    if not pid:
        try:
            function(*args)
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(pid, 0)


def show(by_folder: dict[str, dict[str, str]]) -> None:
    """Prints the share that was killed."""
    print(f"\n{'folder':24} {'mutants':>8} {'killed':>8} {'timeout':>8} {'survived':>8}   share")
    for folder, outcomes in by_folder.items():
        count = collections.Counter(outcomes.values())
        ended = sum(count[each] for each in DONE)
        left = len(outcomes) - ended
        share = 100 * ended / max(1, len(outcomes))
        numbers = f"{len(outcomes):8} {count['killed']:8} {count['timeout']:8} {left:8}"
        print(f"{folder:24} {numbers}   {share:.1f} %")


def main() -> None:
    given = arguments()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as kernels:
        os.environ["PENSTOCK_CACHE_DIR"] = kernels
        if given.again or not is_recorded():
            in_process(recording.record, given.tests, running.PACKAGE, FOLDERS, RECORDED)
        if given.add:
            in_process(recording.add, given.add, running.PACKAGE, FOLDERS, RECORDED)
        record = recording.load(RECORDED)
        outcomes = Outcomes(given.out)
        for folder in given.only:
            start = time.monotonic()
            run(folder, record, given, outcomes)
            print(f"{folder}: {time.monotonic() - start:.0f} s", flush=True)
    show(outcomes.by_folder)


if __name__ == "__main__":
    main()
