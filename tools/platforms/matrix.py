"""Runs the core of the tests against an installed wheel: every Python, the lowest and the highest versions of what Penstock needs.

    python tools/platforms/matrix.py --uv uv --dist dist [--pythons 3.11 3.12] [--page]

The folder has one wheel and its source archive, whose tests are run. A cell is a fresh environment with all extras for users. Lowest versions are the lowest ones that pyproject.toml allows and that have a wheel
for that Python. Environments, logs and results stay in build/matrix; --page writes all results that are there into docs/platforms.md.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pages import write_section

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "matrix"
RESULT = "result.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.14t")
RESOLUTIONS = {"lowest": "lowest-direct", "highest": "highest"}
FOR_DEVELOPERS = {"docs", "lint", "test"}
# Of the extras, those whose packages have wheels for Pythons without GIL, and that do not switch it on again.
WITHOUT_GIL = ("keras", "scipy")
TOOLS = ("pytest>=8", "hypothesis>=6", "absl-py>=2", "gast>=0.6")
SHOWN = ("numpy", "llvmlite", "ml-dtypes", "protobuf", "keras", "scipy", "pillow")
# Measures time, which other work on the machine changes.
LEFT_OUT = ("--deselect", "tests/test_smoke.py::test_import_is_quick")
# Some minutes on two cores: every layer, from LLVM to Keras and files.
CORE = (
    "test_smoke.py",
    "native",
    "runtime",
    "core",
    "ir",
    "compiler/codegen/nests",
    "compiler/codegen/scalars/test_elementwise.py",
    "compiler/codegen/test_control.py",
    "compiler/kernels",
    "compiler/test_executable.py",
    "autodiff",
    "function",
    "eager",
    "ops/math",
    "ops/image",
    "ops/parsing",
    "ops/data",
    "saving",
    "keras/test_fit.py",
)


@dataclass
class Cell:
    """An environment and what came of it."""

    python: str
    versions: str
    interpreter: str = ""
    installed: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def folder(self) -> Path:
        return WORK / f"{re.sub(r'[^0-9A-Za-z.]+', '-', self.python).strip('-')}-{self.versions}"

    @property
    def is_free_threaded(self) -> bool:
        """True for a Python without GIL: "3.14t", or such a path."""
        return self.python.endswith("t")

    @property
    def result(self) -> str:
        if self.problem:
            return self.problem
        failed = f", **{len(self.failed)} failed**" if self.failed else ""
        return f"{self.passed} passed{failed}, {self.skipped} skipped"

    def row(self) -> str:
        shown = [self.installed.get(name, "-") for name in SHOWN]
        python = self.interpreter or self.python
        return f"| {' | '.join([python, self.versions, *shown, self.result])} |"


def main() -> int:
    """Runs the cells; returns 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument(
        "--pythons", nargs="*", default=PYTHONS, help="versions, or paths of interpreters"
    )
    parser.add_argument("--versions", nargs="*", default=list(RESOLUTIONS), choices=RESOLUTIONS)
    parser.add_argument("--page", action="store_true", help="write docs/platforms.md")
    parser.add_argument("tests", nargs="*", help="instead of the core")
    args = parser.parse_args()
    cells = [Cell(python, versions) for python in args.pythons for versions in args.versions]
    for cell in cells:
        run_cell(cell, args.uv, args.dist.resolve(), args.tests or CORE)
        print(cell.row(), f"{cell.seconds:.0f} s", flush=True)
        for name in cell.failed:
            print("   ", name)
    if args.page:
        write_section("matrix", table(results()))
    return int(any(cell.problem or cell.failed for cell in cells))


def run_cell(cell: Cell, uv: str, dist: Path, tests: Sequence[str]) -> None:
    """Sets the environment up and runs the tests in it; the cell says what went wrong."""
    shutil.rmtree(cell.folder, ignore_errors=True)
    cell.folder.mkdir(parents=True)
    started = time.monotonic()
    try:
        (wheel,), (archive,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
        set_up(cell, uv, wheel)
        run_tests(cell, archive, tests)
    except subprocess.CalledProcessError as error:
        cell.problem = (
            f"{error.cmd[1]} {error.cmd[2]}: failed, see {cell.folder.relative_to(ROOT)}/log.txt"
        )
    cell.seconds = time.monotonic() - started
    (cell.folder / RESULT).write_text(json.dumps(asdict(cell)))


def set_up(cell: Cell, uv: str, wheel: Path) -> None:
    venv = cell.folder / "venv"
    python = venv / "bin" / "python"
    chosen = WITHOUT_GIL if cell.is_free_threaded else extras_for_users()
    extras = [word for name in chosen for word in ("--extra", name)]
    install = [uv, "pip", "install", "--python", str(python), "--only-binary", ":all:"]
    resolution = ["--resolution", RESOLUTIONS[cell.versions]]
    logged(cell, [uv, "venv", "--python", cell.python, str(venv)])
    logged(cell, [*install, *resolution, *extras, "--requirements", str(ROOT / "pyproject.toml")])
    logged(cell, [*install, "--no-deps", str(wheel)])
    logged(cell, [*install, *TOOLS])
    logged(cell, [uv, "pip", "check", "--python", str(python)])
    cell.interpreter = logged(
        cell,
        [
            str(python),
            "-c",
            "import platform, sys; print(platform.python_version() + 't' * ('t' in sys.abiflags))",
        ],
    ).strip()
    listed = logged(cell, [uv, "pip", "list", "--python", str(python), "--format", "freeze"])
    cell.installed = dict(line.split("==") for line in listed.splitlines() if "==" in line)


def extras_for_users() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(set(project["optional-dependencies"]) - FOR_DEVELOPERS)


def run_tests(cell: Cell, archive: Path, tests: Sequence[str]) -> None:
    """Runs tests of the source archive without its package: what is imported is the wheel."""
    with tarfile.open(archive) as tar:
        tar.extractall(cell.folder, filter="data")
    copy = cell.folder / archive.name.removesuffix(".tar.gz")
    shutil.rmtree(copy / "penstock")
    report = cell.folder / "report.xml"
    python = str(cell.folder / "venv" / "bin" / "python")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    chosen = [*LEFT_OUT, *(f"tests/{name}" for name in tests)]
    logged(cell, [*command, *chosen], cwd=copy, check=False)
    if not report.exists():
        cell.problem = f"pytest ended early, see {cell.folder.relative_to(ROOT)}/log.txt"
        return
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = {child.tag for child in case}
        if outcome & {"failure", "error"}:
            cell.failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif "skipped" in outcome:
            cell.skipped += 1
        else:
            cell.passed += 1


def logged(cell: Cell, command: list[str], cwd: Path = WORK, check: bool = True) -> str:
    """Runs a command, and returns what it printed, which is also in the cell's log."""
    environment = dict(os.environ, PENSTOCK_CACHE_DIR=str(cell.folder / "cache"), VIRTUAL_ENV="")
    environment.pop("PYTHONPATH", None)
    if cell.is_free_threaded:
        environment["PYTHON_GIL"] = "0"
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with open(cell.folder / "log.txt", "a") as log:
        log.write(f"$ {' '.join(command)}\n{ran.stdout}\n")
    if check:
        ran.check_returncode()
    return ran.stdout


def results() -> list[Cell]:
    """All cells that have been run, by Python's version, lowest versions first."""
    cells = [Cell(**json.loads(path.read_text())) for path in WORK.glob(f"*/{RESULT}")]

    def order(cell: Cell) -> tuple[list[int], int]:
        numbers = [int(digits) for digits in re.findall(r"\d+", cell.interpreter)]
        return numbers, list(RESOLUTIONS).index(cell.versions)

    return sorted(cells, key=order)


def table(cells: Sequence[Cell]) -> str:
    """The cells as a table in Markdown."""
    head = ["Python", "versions", *SHOWN, "tests"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(cell.row() for cell in cells)])


if __name__ == "__main__":
    sys.exit(main())
