"""Counts what passes on Penstock of what passes on TensorFlow."""

import collections
import math
import re
from typing import Any

TOLERANCE = 1e-3


def of_baseline(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, list]:
    """For each test of the files in `ours` that passes in `theirs`, as (file, name): its outcome in `ours`."""
    found = {}
    for file, result in ours["files"].items():
        reference = theirs["files"].get(file, {"tests": {}})
        whole = result["tests"].get("<file>", ["failed", "no such test", ""])
        for name, outcome in reference["tests"].items():
            if outcome == "passed":
                found[file, name] = result["tests"].get(name, whole)
    return found


def numbers_that_differ(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """A line for each variable of an example that has other numbers than on TensorFlow."""
    lines = []
    for file, result in ours["files"].items():
        expected = theirs["files"].get(file, {}).get("numbers", {})
        for test, numbers in result.get("numbers", {}).items():
            for name, value in numbers.items():
                reference = expected.get(test, {}).get(name)
                if reference is not None and not agree(value, reference):
                    lines.append(
                        f"{file}::{test} {name}: {brief(value)}, expected {brief(reference)}"
                    )
    return lines


def brief(value: list) -> str:
    """Type, shape and first numbers of a recorded array."""
    return f"{value[0]}{value[1]} {' '.join(value[2][:4])}"


def agree(a: list, b: list) -> bool:
    """Whether two recorded arrays have one type and shape and the same numbers, up to rounding."""
    if a[:2] != b[:2]:
        return False
    x, y = [float(n) for n in a[2]], [float(n) for n in b[2]]
    scale = max([abs(n) for n in y if math.isfinite(n)], default=1.0)
    return all(
        p == q or (math.isnan(p) and math.isnan(q)) or abs(p - q) <= TOLERANCE * scale
        for p, q in zip(x, y, strict=True)
    )


def reason_of(outcome: list) -> str:
    """An outcome's reason with its numbers taken out, so that the same failure with other numbers is the same reason."""
    return re.sub(r"-?\d+\.?\d*(e[-+]?\d+)?", "N", f"{outcome[0]}: {outcome[1]}")[:160]


def reasons(outcomes: dict, most: int = 3) -> list[str]:
    """The reasons of what does not pass, the most frequent first, each with some of its tests."""
    groups = collections.defaultdict(list)
    for (file, name), outcome in outcomes.items():
        if outcome != "passed":
            groups[reason_of(outcome)].append((f"{file}::{name}", outcome))
    lines = []
    for _, tests in sorted(groups.items(), key=lambda group: -len(group[1])):
        lines.append(f"{len(tests):5}  {tests[0][1][1]}")
        lines += [f"         {name}  {outcome[-1]}" for name, outcome in tests[:most]]
    return lines


def by_folder(outcomes: dict) -> list[str]:
    """A line for each folder: how many pass, of how many."""
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for (file, _), outcome in outcomes.items():
        count = counts[file.rpartition("/")[0]]
        count[0] += outcome == "passed"
        count[1] += 1
    return [f"{passed:5} of {total:5}  {name}" for name, (passed, total) in sorted(counts.items())]
