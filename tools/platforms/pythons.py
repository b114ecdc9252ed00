"""Runs a program on each Python that Penstock supports besides the tests' own: eager calls, functions, training, files, serving.

    python -m tools.platforms.pythons --uv uv [3.14 /opt/python3.15/bin/python3]

An interpreter is pyenv's, that on the path, or that of Debian's testing, which is unpacked in build/pythons and not installed. All share one kernel cache. Fails
if the program fails on a Python, if one cannot be set up, or if none was there. What does not fail, and is reported: Debian or the package index has no such Python, or does not
answer; Penstock's requirements have no wheels for one that pyproject.toml does not list.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.platforms.debian import download

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "pythons"
PYTHONS = ("3.12", "3.13", "3.14", "3.15")
PROGRAM = "tests.doors.on_a_python"
EXTRAS = ("keras", "serve")
PATIENCE = 420  # seconds of a program
AT_ONCE = 2
_DEBIAN = threading.Lock()
# uv's messages about a package that is not built for a Python, and about an index that does not answer.
_NO_WHEEL = re.compile(r"all versions of (\S+) have no usable wheels")
_NO_ANSWER = re.compile(r"failed to fetch|connect|timed out|dns error|error sending", re.IGNORECASE)


class Missing(Exception):
    """There is no such Python to be had now."""


class Broken(Exception):
    """A Python that is there cannot be set up."""


@dataclass
class Lane:
    """A Python and what came of it."""

    python: str
    missing: str = ""
    failed: str = ""
    seconds: float = 0

    @property
    def result(self) -> str:
        """What came of it."""
        if self.failed:
            return f"FAILED: {self.failed}"
        return f"NOT RUN: {self.missing}" if self.missing else "passed"

    def say(self, text: str) -> None:
        """Reports a line at once."""
        print(f"[{self.python}] {text}", flush=True)

    def run(self, uv: str) -> None:
        """Finds the Python, installs what Penstock needs, and runs the program."""
        started = time.monotonic()
        try:
            python = self._environment(uv, interpreter(self.python))
            self._run_program(python)
        except Missing as error:
            self.missing = str(error)
        except Broken as error:
            self.failed = str(error)
        self.seconds = time.monotonic() - started

    def _environment(self, uv: str, base: Path) -> Path:
        """Returns the Python of an environment with Penstock's requirements."""
        folder = WORK / re.sub(r"[^0-9A-Za-z.]+", "-", self.python).strip("-")
        python, stamp = folder / "bin" / "python", folder / "installed"
        version = _output([base, "-VV"])
        wanted = f"{base} {version}\n{(ROOT / 'pyproject.toml').read_text()}"
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _output([uv, "venv", "--quiet", "--python", base, folder])
            self._install(uv, python, folder / "left-out.txt")
            stamp.write_text(wanted)
        self.say(f"{version} ({base})")
        return python

    def _install(self, uv: str, python: Path, left_out: Path) -> None:
        """Installs Penstock's requirements, and leaves out what is not built for this Python and is not a requirement of Penstock itself."""
        command = [uv, "pip", "install", "--quiet", "--python", python, "--only-binary", ":all:"]
        command += ["--requirements", ROOT / "pyproject.toml", "--overrides", left_out]
        command += [word for extra in EXTRAS for word in ("--extra", extra)]
        names: list[str] = []
        while True:
            left_out.write_text("".join(f"{name}; python_version < '3'\n" for name in names))
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode == 0:
                return
            lacking = _NO_WHEEL.search(ran.stderr)
            if lacking is None or lacking[1] in names:
                kind = Missing if _NO_ANSWER.search(ran.stderr) else Broken
                raise kind(f"uv: {' '.join(ran.stderr.split())}")
            if lacking[1] in _own_requirements():
                kind = Broken if self.python in _listed() else Missing
                raise kind(f"{lacking[1]}, which Penstock requires, has no wheel for this Python")
            names.append(lacking[1])
            self.say(f"without {lacking[1]}, which has no wheel for this Python")

    def _run_program(self, python: Path) -> None:
        environment = dict(
            os.environ, PYTHONPATH=str(ROOT), PENSTOCK_CACHE_DIR=str(WORK / "cache"), VIRTUAL_ENV="",
            PYTHONPYCACHEPREFIX=str(WORK / "bytecode"),
        )  # fmt: skip
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [python, "-X", "faulthandler", "-m", PROGRAM]
        with subprocess.Popen(
            command, cwd=WORK, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as program:  # fmt: skip
            late = threading.Timer(PATIENCE, program.kill)
            late.start()
            assert program.stdout is not None
            for line in program.stdout:
                self.say(line.rstrip())
            late.cancel()
        if program.returncode:
            self.failed = f"the program ended with {program.returncode}"


def interpreter(python: str) -> Path:
    """Finds an interpreter: a path, or a version, which Debian may have.

    Raises:
      Missing: there is none.
    """
    if os.sep in python:
        return Path(python)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(versions.glob(f"{python}.*"), key=_numbers)
    on_path = shutil.which(f"python{python}")
    for each in [*[folder / "bin" / "python" for folder in installed[::-1]], on_path]:
        if each is not None and _is(Path(each), python):
            return Path(each)
    with _DEBIAN:
        return _of_debian(python, WORK / "debian" / python)


def _numbers(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", folder.name)]


def _is(path: Path, python: str) -> bool:
    """True if an interpreter starts and is of a version: pyenv has names on the path for those that are not chosen."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        ran = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ran.stdout.strip() == python


def _of_debian(python: str, folder: Path) -> Path:
    """Unpacks the Python of Debian's testing with its C library, and returns the script that runs it."""
    root = folder / "root"
    script = root / "usr" / "bin" / f"python{python}"
    if (folder / "unpacked").exists():
        return script
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = (f"python{python}-minimal", f"libpython{python}-stdlib")
    try:
        dpkg = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
        )
        architecture = dpkg.stdout.strip()
        archives = download(folder, packages, "testing", (architecture,), with_dependencies=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing("Debian's testing has none, or did not answer") from error
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, root], check=True)
    # The program itself is where Python looks for its library from; the script has its name.
    program = root / "usr" / "libexec" / script.name
    program.parent.mkdir(exist_ok=True)
    script.rename(program)
    (loader,) = root.glob("usr/lib/*/ld-linux-*.so.*")
    command = f'exec {loader} --argv0 "$0" --library-path {loader.parent} {program} "$@"'
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    _output([script, "-c", "import bz2, ctypes, lzma, sqlite3, ssl, zlib"])
    (folder / "unpacked").touch()
    return script


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _own_requirements() -> set[str]:
    """The distributions that Penstock itself and the extras that are tried need."""
    project = _project()
    wanted = [*project["dependencies"], *(x for e in EXTRAS for x in project["optional-dependencies"][e])]  # fmt: skip
    return {re.split(r"[^A-Za-z0-9_-]", text)[0].replace("_", "-").lower() for text in wanted}


def _listed() -> set[str]:
    """The versions of Python that Penstock's metadata name."""
    return {text.rpartition(" ")[2] for text in _project()["classifiers"]}


def _output(command: list) -> str:
    """Returns what a command prints.

    Raises:
      Broken: it failed.
    """
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError as error:
        raise Broken(f"{command[0]} failed: {' '.join(error.stderr.split())}") from error
    return ran.stdout.strip()


def main() -> int:
    """Runs the program on the Pythons, two at a time; returns 1 if that shows a defect, or shows nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv")
    parser.add_argument("pythons", nargs="*", default=PYTHONS, help="versions, or paths")
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    lanes = [Lane(python) for python in args.pythons]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda lane: lane.run(args.uv), lanes))
    for lane in lanes:
        print(f"Python {lane.python}: {lane.result} ({lane.seconds:.0f} s)")
    ran = [lane for lane in lanes if not lane.missing]
    if not ran:
        print("No Python was there: this shows nothing.")
    return int(not ran or any(lane.failed for lane in lanes))


if __name__ == "__main__":
    sys.exit(main())
