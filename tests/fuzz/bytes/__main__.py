"""Hunts in one target after another and reports what is found; see the package."""

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from tests.fuzz.bytes import guided

CORPUS = Path(__file__).parent / "corpus.jsonl"
COVERED = re.compile(r"cov: (\d+)")
RUNS = re.compile(r"^#(\d+)|number_of_executed_units:\s*(\d+)", re.MULTILINE)


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.bytes", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of all targets together")
    parser.add_argument("--only", nargs="*", help="targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="adds what is found to the corpus")
    parsed = parser.parse_args()
    targets = guided.instrumented(_targets)
    names = parsed.only or list(targets)
    if unknown := set(names) - set(targets):
        parser.error(f"no targets: {', '.join(sorted(unknown))}. There are {', '.join(targets)}.")
    total = 0
    for name in names:
        hunt = guided.instrumented(lambda name=name: guided.Hunt(targets[name]))
        total += _hunted(hunt, 60 * parsed.minutes / len(names), parsed)
        hunt.end()
    print(f"{total} found")
    return 1 if total else 0


def _targets() -> Any:
    from tests.fuzz.bytes.targets import TARGETS

    return TARGETS


def _hunted(hunt: guided.Hunt, seconds: float, parsed: Any) -> int:
    """Hunts in a target, also after a death, while there is time; reports, and returns how much was found."""
    end, seed, found, runs = time.monotonic() + seconds, parsed.seed, [], 0
    while (left := int(end - time.monotonic())) > 0:
        status = guided.fuzz(hunt, left, seed)
        said = hunt.said.read_text(errors="replace")
        runs += max((int(a or b) for a, b in RUNS.findall(said)), default=0)
        new = hunt.findings(status)
        found += new
        if not any(case["finding"] in ("death", "hang") for case in new):
            break
        hunt.said.unlink()
        hunt.running.unlink()
        hunt.found.unlink(missing_ok=True)
        seed += 1
    covered = max(map(int, COVERED.findall(said)), default=0)
    print(f"{hunt.target.name}: {runs} inputs, {covered} edges; {len(found)} found", flush=True)
    for case in found:
        _show(hunt.target.name, case, parsed.keep)
    return len(found)


def _show(name: str, case: dict[str, Any], keep: bool) -> None:
    print(f"  {case['finding']}: {case['outcome']}, {case['data'][:300]}")
    print("    " + case["text"].strip().replace("\n", "\n    ")[-700:], flush=True)
    if keep:
        entry = {"format": name, "file": case["file"], "data": case["data"]}
        with CORPUS.open("a") as file:
            file.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    sys.exit(main())
