"""What an installed distribution requires: the least versions, of its own metadata."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?$")
EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
PYTHON = re.compile(r"python_version\s*(>=|<)\s*['\"]([\d.]+)['\"]")
MACHINE = re.compile(r"platform_machine\s+in\s+['\"]([^'\"]+)['\"]")


class Requirement(NamedTuple):
    """A distribution that another one requires.

    Args:
      name: of the distribution.
      least: the lowest version; "" for any.
      extra: the extra that requires it; "" for the distribution itself.
      text: as pip takes it.
    """

    name: str
    least: str
    extra: str
    text: str


def requirements(distribution: str) -> Iterator[Requirement]:
    """Yields what a distribution requires on this machine and Python, its extras for users included."""
    for line in importlib.metadata.requires(distribution) or []:
        matched = REQUIREMENT.match(line)
        if matched is None:
            continue
        name, versions, marker = matched[1], matched[2].strip(), matched[3] or ""
        extra = EXTRA.search(marker)
        if not _applies(marker) or extra and extra[1] in ("test", "lint", "all"):
            continue
        least = re.search(r">=\s*([\d.]+)", versions)
        yield Requirement(
            name, least[1] if least else "", extra[1] if extra else "", f"{name}{versions}"
        )


def _applies(marker: str) -> bool:
    python, machine = PYTHON.search(marker), MACHINE.search(marker)
    if python is not None:
        is_later = sys.version_info[:2] >= _numbers(python[2])[:2]
        if is_later != (python[1] == ">="):
            return False
    return machine is None or platform.machine() in machine[1]


def too_old(version: str, least: str) -> bool:
    """Whether a version is lower than another one; an empty one is the lowest."""
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, without zeros at the end: 2.0 is 2."""
    leading = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(n) for n in leading[0].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
