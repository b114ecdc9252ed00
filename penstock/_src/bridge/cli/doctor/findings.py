"""Findings of checks."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One thing that a check looked at.

    Args:
      level: "ok"; "note" for what costs something or may surprise; "problem" for what is broken.
      what: a sentence.
      remedy: what to do about it, if anything.
    """

    level: Literal["ok", "note", "problem"]
    what: str
    remedy: str = ""


def ok(what: str) -> Finding:
    """A finding that needs nothing."""
    return Finding("ok", what)


def note(what: str, remedy: str = "") -> Finding:
    """A finding that costs something or may surprise."""
    return Finding("note", what, remedy)


def problem(what: str, remedy: str) -> Finding:
    """A finding of something that is broken."""
    return Finding("problem", what, remedy)
