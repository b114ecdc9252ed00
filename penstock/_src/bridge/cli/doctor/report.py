"""The report of all checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.bridge.cli.doctor.checks import CHECKS, findings_of
from penstock._src.bridge.cli.doctor.findings import Finding
from penstock._src.util.process.progress import Progress

DESCRIPTION = """Says what is wrong with this machine, environment or cache, and what to do about it: versions, another TensorFlow, Keras's backend, variables
of the environment, the cache of kernels and its key, limits of memory and processors, the GPU and its driver; and compiles and runs a small program.
The status is 0, or 1 if there is a problem. With --first-light, everything that runs on a GPU is tried on this machine's, in ten minutes at most, and a report is written."""


def main(arguments: Sequence[str]) -> int:
    """Prints the problems of this machine, environment or cache."""
    parser = Parser("penstock doctor", DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="prints a list of JSON objects")
    parser.add_argument("--first-light", action="store_true", help="tries everything on the GPU")
    parser.add_argument("--emulated", action="store_true", help="--first-light: on the emulator")
    parser.add_argument("--step", metavar="NAME", help="--first-light: one step, in this process")
    parser.add_argument("--only", nargs="*", default=[], help="--first-light: some steps")
    parser.add_argument("--out", default="first-light.md", help="--first-light: the report's file")
    parsed = parser.parse_args(arguments)
    if parsed.first_light:
        # Its steps need what the doctor examines.
        from penstock._src.bridge.cli.doctor.first_light import command

        return command.main(parsed.step, parsed.only, parsed.emulated, parsed.out)
    with Progress("examining"):
        findings = {room: list(findings_of(checks)) for room, checks in CHECKS.items()}
    if parsed.json:
        rows = [{"check": room, **each._asdict()} for room in findings for each in findings[room]]
        print(json.dumps(rows, indent=2))
    else:
        print("\n".join(_lines(findings)))
    return int(any(each.level == "problem" for each in _all(findings)))


def _lines(by_room: dict[str, list[Finding]]) -> Iterator[str]:
    for room, findings in by_room.items():
        yield f"{room}:"
        for each in findings:
            yield f"  {each.level:8} {each.what}"
            if each.remedy:
                yield f"  {'':8} -> {each.remedy}"
    counts = {
        level: sum(each.level == level for each in _all(by_room)) for level in ("problem", "note")
    }
    texts = [f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items()]
    yield ", ".join(texts) + "."


def _all(by_room: dict[str, list[Finding]]) -> list[Finding]:
    return [each for findings in by_room.values() for each in findings]
