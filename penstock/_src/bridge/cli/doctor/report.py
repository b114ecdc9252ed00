"""The report of all checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.bridge.cli.doctor import cache, environment, gpu, machine, settings, trial
from penstock._src.bridge.cli.doctor.findings import Finding, problem
from penstock._src.util.process.progress import Progress

DESCRIPTION = """Says what is wrong with this machine, environment or cache, and what to do about it: versions, another TensorFlow, Keras's backend, variables
of the environment, the cache of kernels and its key, limits of memory and processors, the GPU and its driver; and compiles and runs a small program.
The status is 0, or 1 if there is a problem."""

Check = Callable[[], Iterable[Finding]]
CHECKS: dict[str, tuple[Check, ...]] = {
    "environment": environment.CHECKS,
    "settings": settings.CHECKS,
    "machine": machine.CHECKS,
    "gpu": gpu.CHECKS,
    "cache": cache.CHECKS,
    "trial": trial.CHECKS,
}


def main(arguments: Sequence[str]) -> int:
    """Prints what is wrong with this machine, environment or cache."""
    parser = Parser("penstock doctor", DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="prints a list of JSON objects")
    parsed = parser.parse_args(arguments)
    with Progress("examining"):
        findings = {room: list(_findings(checks)) for room, checks in CHECKS.items()}
    if parsed.json:
        rows = [{"check": room, **each._asdict()} for room in findings for each in findings[room]]
        print(json.dumps(rows, indent=2))
    else:
        print("\n".join(_lines(findings)))
    return int(any(each.level == "problem" for each in _all(findings)))


def _findings(checks: Iterable[Check]) -> Iterator[Finding]:
    """The findings of the checks; a check that fails is a finding itself, and does not end the others."""
    for check in checks:
        try:
            yield from check()
        except Exception as error:
            text = " ".join(str(error).split()) or "no message"
            yield problem(
                f"{check.__name__.replace('_', ' ')}: {type(error).__name__}: {text}",
                "Mend the problems above first; else: pip install --force-reinstall penstock",
            )


def _lines(found: dict[str, list[Finding]]) -> Iterator[str]:
    for room, findings in found.items():
        yield f"{room}:"
        for each in findings:
            yield f"  {each.level:8} {each.what}"
            if each.remedy:
                yield f"  {'':8} -> {each.remedy}"
    counts = {
        level: sum(each.level == level for each in _all(found)) for level in ("problem", "note")
    }
    texts = [f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items()]
    yield ", ".join(texts) + "."


def _all(found: dict[str, list[Finding]]) -> list[Finding]:
    return [each for findings in found.values() for each in findings]
