"""How much was fuzzed: each run of a fuzzer adds its programs and finds to counts.json beside this file.

python -m tests.fuzz.counts            prints the table
python -m tests.fuzz.counts --write    puts it into docs/robustness.md

{target: {"runs": 2, "seeds": [[0, 119], [200, 260]], "totals": {"programs": 181}, "finds": [{"day", "seed", "kind", "what"}]}}
"""

from __future__ import annotations

import argparse
import datetime
import fcntl
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("counts.json")
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- counts: begin -->", "<!-- counts: end -->"
BEFORE = "## Wrong numbers that were found"  # the table's section comes before this one, if the page has none yet
LONGEST = 160  # characters of a find


def find(seed: int, kind: str, what: str) -> dict[str, Any]:
    """A find as the file has it."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {
        "day": day,
        "seed": seed,
        "kind": kind,
        "what": " ".join(what.replace(f"{ROOT}/", "").split())[:LONGEST],
    }


def add(
    target: str,
    seeds: tuple[int, int],
    totals: dict[str, int],
    finds: list[dict[str, Any]],
    path: Path = FILE,
) -> None:
    """Adds a run of the seeds from a first to a last to the file; several processes may."""
    path.touch()
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        counts = json.loads(text) if text else {}
        entry = counts.setdefault(target, {"runs": 0, "seeds": [], "totals": {}, "finds": []})
        entry["runs"] += 1
        entry["seeds"] = joined([*map(tuple, entry["seeds"]), seeds])
        for name, count in totals.items():
            entry["totals"][name] = entry["totals"].get(name, 0) + count
        entry["finds"] += finds
        file.seek(0)
        file.truncate()
        file.write(json.dumps(counts, indent=1, sort_keys=True) + "\n")


def joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of whole numbers in order, those that touch joined."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def table(path: Path = FILE) -> str:
    """The table of all targets."""
    counts = json.loads(path.read_text()) if path.exists() else {}
    lines = ["| target | runs | seeds | in all | finds (seed) |", "|---|---|---|---|---|"]
    for target, entry in sorted(counts.items()):
        seeds = ", ".join(f"{first:,} to {last:,}" for first, last in entry["seeds"])
        totals = ", ".join(f"{count:,} {name}" for name, count in sorted(entry["totals"].items()))
        finds: dict[str, list[str]] = {}
        for each in entry["finds"]:
            finds.setdefault(each["kind"], []).append(str(each["seed"]))
        texts = [f"{len(of)} {kind} ({', '.join(of)})" for kind, of in sorted(finds.items())]
        lines.append(
            f"| `{target}` | {entry['runs']:,} | {seeds} | {totals} | {'; '.join(texts) or 'none'} |"
        )
    return "\n".join(lines)


def write(page: Path = PAGE, path: Path = FILE) -> None:
    """Puts the table into the page."""
    text = page.read_text()
    if BEGIN not in text:
        head = f"## Counted\n\nWhat the fuzzers have added to `tests/fuzz/counts.json`.\n\n{BEGIN}\n{END}\n\n"
        text = text.replace(BEFORE, head + BEFORE)
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(f"{text[:start]}\n{table(path)}\n{text[end:]}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update docs/robustness.md")
    if parser.parse_args().write:
        write()
    else:
        print(table())


if __name__ == "__main__":
    main()
