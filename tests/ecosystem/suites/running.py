"""Runs the files of a suite in processes of their own, and records every test."""

import contextlib
import fnmatch
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from .environments import ROOT, Environment

CHILD = Path(__file__).resolve().parent / "child"
FAILED = "failed"


def files_of(environment: Environment, only: str = "") -> list[str]:
    """The files of a suite that are run, relative to the folder of its tests.

    Args:
      environment: where the library is installed.
      only: parts of paths, separated by commas; files that contain none of them are not returned.
    """
    suite, root = environment.suite, environment.tests
    found = {p.relative_to(root).as_posix() for glob in suite.files for p in root.glob(glob)}
    kept = {f for f in found if not any(fnmatch.fnmatch(f, glob) for glob in suite.left_out)}
    return sorted(f for f in kept if any(part in f for part in only.split(",")))


def run(environment: Environment, files: list[str], out: Path) -> dict[str, Any]:
    """Runs files and records them in `out`, where results of other files are kept.

    Returns:
      All results in `out`.
    """
    data = json.loads(out.read_text()) if out.exists() else {"files": {}}
    size = environment.suite.batch
    for start in range(0, len(files), size):
        for file, result in run_batch(environment, files[start : start + size]).items():
            data["files"][file] = result
            passed = sum(outcome == "passed" for outcome in result["tests"].values())
            if result["tests"]:
                print(f"{passed:5} of {len(result['tests']):5}  {file}", flush=True)
        out.write_text(json.dumps(data, indent=0, sort_keys=True))
    return data


def run_batch(environment: Environment, files: list[str]) -> dict[str, Any]:
    """Runs files in one process; when it ends early, those that it had not come to run in another."""
    with tempfile.TemporaryDirectory(prefix="suite_", ignore_cleanup_errors=True) as folder:
        tmp = Path(folder)
        begin = time.monotonic()
        rows, end = execute(environment, files, tmp)
    seconds = round(time.monotonic() - begin, 1)
    results = {file: {"seconds": seconds, "end": end, "tests": {}} for file in files}
    add_outcomes(results, rows, end)
    started = {split(row[1])[0] for row in rows if row[0] in ("start", "file")}
    names = [name for row in rows if row[0] == "tests" for name in row[1]]
    rest = sorted({split(name)[0] for name in names} - started)
    if end != "ended" and started and rest:
        results.update(run_batch(environment, rest))
    return results


def execute(environment: Environment, files: list[str], tmp: Path) -> tuple[list[list], str]:
    """The lines of the report of one process, and how it ended."""
    suite, plugins = environment.suite, tmp / "plugins"
    plugins.mkdir()
    for path in CHILD.glob("*.py"):
        (plugins / path.name).symlink_to(path)
    if not environment.tensorflow:
        (plugins / "penstock").symlink_to(ROOT / "penstock")
    (tmp / "work").mkdir()
    (tmp / "files").mkdir()
    report, log = tmp / "report.jsonl", tmp / "log.txt"
    report.touch()
    command = [str(environment.python), "-m", "pytest", "-q", "--import-mode=importlib"]
    # Other files of the process run when one cannot be imported.
    command += ["--continue-on-collection-errors"]
    command += [
        "-p",
        "no:cacheprovider",
        "-p",
        "suite_reports",
        "-o",
        "consider_namespace_packages=true",
    ]
    command += ["-p", "docstring_examples"] if suite.examples else []
    command += ["--rootdir", str(environment.tests), "-c", os.devnull]
    command += [str(environment.tests / file) for file in files]
    limit, end = suite.limit * len(files), "ended"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=tmp / "work",
            env=variables(environment, tmp, plugins, report),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            end = f"no end within {limit} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    rows = [json.loads(line) for line in report.read_text().splitlines() if line.endswith("]")]
    if end == "ended" and not any(row == ["end"] for row in rows):
        last = log.read_text(errors="replace").strip().splitlines() or [""]
        end = f"exit code {process.returncode}: {last[-1][:300]}"
    return rows, end


def variables(environment: Environment, tmp: Path, plugins: Path, report: Path) -> dict[str, str]:
    """The environment variables of a process that runs tests."""
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONPATH": str(plugins),
        "SUITE_REPORT": str(report),
        # absl's folder for files of tests, which processes would share
        "TEST_TMPDIR": str(tmp / "files"),
        "SUITE_STAND_IN": "0" if environment.tensorflow else "1",
        **environment.suite.environment,
    }


def split(node_id: str) -> tuple[str, str]:
    """File and name of a test from pytest's name for it."""
    file, _, name = node_id.partition("::")
    return file, name or "<file>"


def add_outcomes(results: dict[str, Any], rows: list[list], end: str) -> None:
    """Adds to each file's result what the report says; a test that had started when the process ended has failed."""
    started = None
    for kind, *row in rows:
        if kind == "tests":
            for name in row[0]:
                file, test = split(name)
                results[file]["tests"].setdefault(test, [FAILED, end, ""])
        elif kind == "start":
            started = row[0]
        elif kind in ("test", "file"):
            file, test = split(row[0])
            earlier = results[file]["tests"].get(test)
            # What has failed stays so when taking it down succeeds, and what has passed fails if that fails.
            if earlier in (None, "passed", [FAILED, end, ""]) or row[1] != "passed":
                results[file]["tests"][test] = row[1]
        elif kind == "numbers":
            file, test = split(row[0])
            results[file].setdefault("numbers", {})[test] = row[1]
    if end != "ended" and started:
        file, test = split(started)
        if results[file]["tests"].get(test) in (None, [FAILED, end, ""]):
            results[file]["tests"][test] = [FAILED, f"{end}, in this test", ""]
    if end != "ended" and not rows:
        for result in results.values():
            result["tests"]["<file>"] = [FAILED, end, ""]
