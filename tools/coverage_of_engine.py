"""Measures how many lines of each package of the engine the tests run, and which they do not.

python tools/coverage_of_engine.py [--core] [--only tests/ops tests/graph] [--report] [--missing ir compiler]

A folder of tests after the other is run under coverage.py, processes that it starts included, and has a folder of data of its own: one that
is measured again replaces its own data alone, and the table is of all that were measured. Run all again after lines of the engine have moved.
"""

import argparse
import collections
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "penstock" / "_src"
TESTS = ROOT / "tests"
DATA = ROOT / ".coverage-data"
# Tests of the engine beside those that are named as its packages are: recorded results and errors of TensorFlow.
RECORDED = ("conformance", "golden", "errors")


def main() -> None:
    """Measures, then prints the table and the missing lines of some packages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--core", action="store_true", help="the engine's own tests alone")
    parser.add_argument("--only", nargs="+", help="folders or files of tests")
    parser.add_argument("--report", action="store_true", help="measure nothing: show what is there")
    parser.add_argument("--missing", nargs="*", default=[], help="packages whose lines are shown")
    given = parser.parse_args()
    failed = [] if given.report else [each for each in chosen(given) if not measure(each)]
    show(given.missing)
    if failed:
        sys.exit(f"Tests failed: {' '.join(failed)}")


def chosen(given: argparse.Namespace) -> Sequence[str]:
    """The folders and files of tests to run."""
    if given.only:
        return given.only
    names = sorted(p.name for p in TESTS.iterdir() if p.is_dir() or p.name.startswith("test_"))
    if given.core:
        engine = {folder.name for folder in sources()}
        names = [name for name in names if name in engine or name in RECORDED]
    return [f"tests/{name}" for name in names if name != "__pycache__"]


def sources() -> list[Path]:
    """The packages that are measured."""
    return [ROOT / folder for folder in coverage.Coverage().get_option("run:source")]


def measure(tests: str) -> bool:
    """Runs tests under coverage.py; returns whether they passed, or there are none."""
    held = DATA / tests.strip("/").replace("/", "-")
    shutil.rmtree(held, ignore_errors=True)
    held.mkdir(parents=True)
    start = time.monotonic()
    command = ["-m", "coverage", "run", f"--data-file={held / 'lines'}", "-m", "pytest"]
    code = subprocess.call(
        [sys.executable, *command, "-p", "no:cacheprovider", tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )
    print(f"{tests}: {time.monotonic() - start:.0f} s", flush=True)
    return code in (0, 5)  # 5: no tests


def show(missing: Sequence[str]) -> None:
    """Prints the lines of each package and how many of them some test ran."""
    measured = coverage.Coverage(data_file=DATA / "all")
    measured.combine([str(path) for path in DATA.glob("*/lines.*")], keep=True)
    lines: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for path, known, run, text in analyzed(measured):
        package = path.parts[0]
        lines[package][0] += known
        lines[package][1] += run
        if run < known and package in missing:
            print(f"{path}: {text}")
    lines["together"] = [sum(each) for each in zip(*lines.values())]
    for package, (known, run) in lines.items():
        print(f"{package:12} {known:7} lines {100 * run / max(1, known):6.1f} %")


def analyzed(measured: coverage.Coverage) -> Iterator[tuple[Path, int, int, str]]:
    """Yields for each file of the engine its path, its number of lines, the number of those that ran, and the numbers of the others."""
    for path in sorted(file for folder in sources() for file in folder.rglob("*.py")):
        _, statements, _, missing, text = measured.analysis2(str(path))
        yield path.relative_to(SRC), len(statements), len(statements) - len(missing), text


if __name__ == "__main__":
    main()
