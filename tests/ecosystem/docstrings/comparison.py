"""Compares what the examples of docstrings printed on two sides."""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\b(?:inf|nan)\b")
# What two processes of one implementation print differently, too.
PASSING = [
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"/tmp/\w+"), "FOLDER"),
    (re.compile(r"\d+(\.\d+)?[mu]?s(/step)?\b"), "TIME"),
    (re.compile(r"\bpenstock\._src(\.\w+)*"), "MODULE"),
    (re.compile(r"\btensorflow\.python(\.\w+)*"), "MODULE"),
]


@dataclasses.dataclass(frozen=True)
class Difference:
    """A statement of a name's examples that printed something else."""

    name: str
    source: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        parts = [("TensorFlow", self.theirs), ("Penstock", self.ours)]
        shown = [f"  {side}: {text.strip()[:400]}" for side, text in parts]
        return "\n".join([f"{self.name}: {self.source.strip()[:400]}", *shown])


def normalized(text: str) -> str:
    """A text without addresses, temporary folders, module paths, and amounts of space."""
    for pattern, name in PASSING:
        text = pattern.sub(name, text)
    return " ".join(re.sub(r"([\[\](){},=])", r" \1 ", text).split())


def same(theirs: str, ours: str, tolerance: float = 2e-5) -> bool:
    """True if two texts are equal but for rounding of their numbers; errors by their class."""
    theirs, ours = normalized(theirs), normalized(ours)
    error = re.search(r"raises (\w+):", theirs)
    if error:
        return error.group() in ours
    if NUMBER.split(theirs) != NUMBER.split(ours):
        return False
    pairs = zip(NUMBER.findall(theirs), NUMBER.findall(ours), strict=True)
    return all(_close(float(a), float(b), tolerance) for a, b in pairs)


def _close(a: float, b: float, tolerance: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)


def differences(
    examples: Mapping[str, Sequence[tuple[str, int]]],
    theirs: Mapping[str, Sequence[str]],
    ours: Mapping[str, Sequence[str]],
) -> Iterator[Difference]:
    """The first statement of each name that printed something else; what follows it works with other values."""
    for name, statements in examples.items():
        there, here = theirs.get(name, ()), ours.get(name, ())
        for number, (source, _) in enumerate(statements):
            if number >= len(there):  # TensorFlow's own process ended, or took too long
                break
            printed = here[number] if number < len(here) else "the process ended"
            if not same(there[number], printed):
                yield Difference(name, source, there[number], printed)
                break
