"""Runs each step in a separate process, and writes the report."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.doctor.first_light.findings import Found, Subject, failed
from penstock._src.bridge.cli.doctor.first_light.steps import STEPS
from penstock._src.util.files.whole import written_whole
from penstock._src.version import OWN_VERSION

REPORT = "first-light.md"
_MARK = "first-light: "  # begins the lines of a step's output that are findings
EMULATED = 3  # times the limit of a step on the emulator
_KEPT = 2_000  # characters of the output of a step that failed


class Result(NamedTuple):
    """Outcome of a step: its findings, its seconds, and its output if it failed."""

    name: str
    found: list[Found]
    seconds: float
    output: str


def subject_of(is_emulated: bool) -> Subject | None:
    """The GPU to look at; None, after one line that says why, if there is none."""
    if is_emulated:
        return Subject("GPU_emulated", True)
    from penstock._src.devices.gpu.cuda.diagnosis import diagnose  # not needed on the emulator

    diagnosis = diagnose()
    if not diagnosis.hindrance:
        return Subject("GPU", False)
    print(f"No GPU can be used: {diagnosis.hindrance}. {diagnosis.remedy}")
    return None


def run_here(name: str, subject: Subject) -> int:
    """Runs a step in this process and prints its findings, one a line; returns 1 if one failed."""
    has_failed = False
    for finding in STEPS[name].run(subject):
        print(f"{_MARK}{json.dumps(finding)}", flush=True)
        has_failed |= finding.level == "failed"
    return int(has_failed)


def report(names: Sequence[str], subject: Subject, path: str) -> int:
    """Runs steps and writes the report; returns 1 if something failed."""
    results = []
    for name in names or STEPS:
        results.append(run_apart(name, subject))
        failures = sum(finding.level == "failed" for finding in results[-1].found)
        print(
            f"{name}: {f'{failures} failed' if failures else 'passed'}, {results[-1].seconds:.1f} s",
            flush=True,
        )
    with written_whole(path) as file:
        file.write(("\n".join(lines_of(results, subject)) + "\n").encode())
    count = sum(finding.level == "failed" for result in results for finding in result.found)
    print(f"{count} failures; the report is {path}")
    return int(bool(count))


def command_of(name: str, subject: Subject) -> list[str]:
    """The command that runs a step alone."""
    emulated = ["--emulated"] if subject.is_emulated else []
    return [sys.executable, "-m", "penstock", "doctor", "--first-light", *emulated, "--step", name]


def run_apart(name: str, subject: Subject) -> Result:
    """Runs a step in a separate process; a crash or a hang becomes a failure among its findings."""
    limit = STEPS[name].limit * (EMULATED if subject.is_emulated else 1)
    start = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if key != "PENSTOCK_DEVICE"}
    process = subprocess.Popen(
        command_of(name, subject), env=environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, why = process.communicate(timeout=limit)[0], ""
    except subprocess.TimeoutExpired:
        process.kill()
        output, why = process.communicate()[0], f"not done after {limit} s"
    lines = output.splitlines()
    findings = [
        Found(*json.loads(line.removeprefix(_MARK))) for line in lines if line.startswith(_MARK)
    ]
    if not why and process.returncode not in (0, 1):
        why = f"ended with status {process.returncode}"
    if not why and process.returncode == 1 and all(each.level != "failed" for each in findings):
        why = "ended by an error"
    if why:
        findings.append(failed(f"{name}: {why}"))
    rest = "\n".join(line for line in lines if not line.startswith(_MARK))
    has_failed = any(each.level == "failed" for each in findings)
    return Result(name, findings, time.monotonic() - start, rest[-_KEPT:] if has_failed else "")


def lines_of(results: Sequence[Result], subject: Subject) -> Iterator[str]:
    """The report in Markdown: what failed first, with a command that repeats it."""
    kind = "an emulated GPU" if subject.is_emulated else "a GPU"
    yield f"# First light on {kind}"
    yield ""
    yield f"Penstock {OWN_VERSION}, Python {platform.python_version()}, {platform.platform()}, {time.strftime('%Y-%m-%d %H:%M')}"
    yield ""
    bad = [result for result in results if any(each.level == "failed" for each in result.found)]
    yield f"{len(results) - len(bad)} of {len(results)} steps passed in {sum(r.seconds for r in results):.0f} s."
    for result in bad:
        yield ""
        yield f"## Failed: {result.name}"
        yield ""
        yield from (f"- {each.text}" for each in result.found if each.level == "failed")
        yield ""
        yield "Again with:"
        yield ""
        yield f"    {shlex.join(['python', *command_of(result.name, subject)[1:]])}"
        if result.output:
            yield ""
            yield from ("    " + line for line in result.output.splitlines())
    for result in results:
        yield ""
        yield f"## {result.name}"
        yield ""
        yield from (f"- {each.level}: {each.text}" for each in result.found)


def main(step: str | None, only: Sequence[str], is_emulated: bool, path: str) -> int:
    """Runs one step here, or all, or those of `only`.

    Raises:
      Refused: there is no such step.
    """
    for name in (*only, *([step] if step else [])):
        if name not in STEPS:
            raise Refused(f"--step takes one of {', '.join(STEPS)}. Received '{name}'.")
    subject = subject_of(is_emulated)
    if subject is None:
        return 2
    return run_here(step, subject) if step else report(only, subject, path)
