"""Findings of a step, and the settings that steps receive."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Found(NamedTuple):
    """One line of the report.

    Args:
      level: "passed"; "failed"; "measured" for facts that are neither.
      text: a sentence.
    """

    level: Literal["passed", "failed", "measured"]
    text: str


class Subject(NamedTuple):
    """The GPU that steps look at.

    Args:
      device: the compiler's name of it: "GPU" or "GPU_emulated".
      is_emulated: True: sizes are small, and times mean nothing.
    """

    device: str
    is_emulated: bool


def passed(text: str) -> Found:
    """Something that is right."""
    return Found("passed", text)


def failed(text: str) -> Found:
    """Something that is wrong."""
    return Found("failed", text)


def measured(text: str) -> Found:
    """A fact."""
    return Found("measured", text)


def compared(what: str, difference: float, allowed: float) -> Found:
    """Compares a relative difference with the largest one allowed."""
    text = f"{what}: differs by {difference:.1e}, where {allowed:.0e} is allowed"
    return passed(text) if difference <= allowed else failed(text)
