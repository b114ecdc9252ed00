"""Requirements of an installed distribution: the least versions, from its metadata."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?$")
CLAUSE = re.compile(r"(?<![=!~<>])(<=|>=|==|~=|<|>)\s*([\d.]+(?:\.\*)?)")
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


def missing(distribution: str, extra: str) -> list[str]:
    """Returns what an extra of a distribution names and is not installed, as pip takes it; nothing if the distribution is not installed.

    Args:
      distribution: its name.
      extra: of its extras.
    """
    try:
        wanted = [each for each in requirements(distribution) if each.extra == extra]
    except importlib.metadata.PackageNotFoundError:
        return []
    return [each.text for each in wanted if not _is_installed(each.name)]


def _is_installed(name: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=name))


def refusing(name: str, version: str) -> Iterator[tuple[str, str]]:
    """Yields the installed distributions that require other versions of a distribution, and these versions as they write them.

    Args:
      name: of the distribution that they require.
      version: the version that is there.
    """
    for distribution in importlib.metadata.distributions():
        for line in distribution.requires or []:
            matched = REQUIREMENT.match(line)
            if matched is None or matched[1].lower().replace("_", "-") != name:
                continue
            marker = matched[3] or ""
            if (
                EXTRA.search(marker) is None
                and _applies(marker)
                and not _admits(matched[2], version)
            ):
                yield (
                    f"{distribution.name} {distribution.version}",
                    f"{matched[1]}{matched[2].strip()}",
                )


def _admits(versions: str, version: str) -> bool:
    """True if clauses such as `>=2.12,<2.16` admit a version; `!=` and `===` are not looked at."""
    return all(_admits_by(sign, bound, version) for sign, bound in CLAUSE.findall(versions))


def _admits_by(sign: str, bound: str, version: str) -> bool:
    have, wanted = _numbers(version), _numbers(bound)
    if sign in ("==", "~="):
        parts = bound.removesuffix(".*").split(".")
        length = len(parts) if sign == "==" else len(parts) - 1
        is_prefix = version.split(".")[:length] == parts[:length]
        exact = sign == "==" and not bound.endswith("*")
        return have == wanted if exact else is_prefix and (sign == "==" or have >= wanted)
    return {"<": have < wanted, "<=": have <= wanted, ">": have > wanted, ">=": have >= wanted}[
        sign
    ]


def _applies(marker: str) -> bool:
    python, machine = PYTHON.search(marker), MACHINE.search(marker)
    if python is not None:
        is_later = sys.version_info[:2] >= _numbers(python[2])[:2]
        if is_later != (python[1] == ">="):
            return False
    return machine is None or platform.machine() in machine[1]


def too_old(version: str, least: str) -> bool:
    """True if a version is lower than another one; an empty one is the lowest."""
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, without zeros at the end: 2.0 is 2."""
    leading = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(n) for n in leading[0].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
