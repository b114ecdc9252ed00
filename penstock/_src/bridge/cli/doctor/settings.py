"""Variables of the environment that Penstock reads, or that look as if it did."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem
from penstock._src.util import flags

PREFIX = "PENSTOCK_"
# Variables that cost time, and their purpose.
SLOW = {
    "verify": "verifies every stage of compilation",
    "check": "repeats runs by the interpreter",
    "guard": "guards every buffer",
    "checked": "checks every load and store",
}


def variables() -> Iterator[Finding]:
    """Unknown names, unreadable values, and the current settings."""
    known = {flag.variable: flag for flag in flags.TABLE.values()}
    names = sorted(name for name in os.environ if name.startswith(PREFIX))
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            yield problem(
                f"{name} is not a variable of Penstock's",
                f"Did you mean {close[0]}?" if close else "`penstock flags` lists them.",
            )
            continue
        try:
            known[name].read()
            yield ok(f"{name} is set")
        except ValueError as error:
            yield problem(str(error), "`penstock flags` says what it takes.")
    if not names:
        yield ok("no variable of Penstock's is set")


def slow_settings() -> Iterator[Finding]:
    """Settings that make everything slow."""
    for name, what in SLOW.items():
        if os.environ.get(PREFIX + name.upper(), "0") not in ("", "0"):
            yield note(f"{PREFIX}{name.upper()} {what}: programs run slowly", "Unset it.")
    if os.environ.get("PENSTOCK_DEVICE", "CPU") not in ("", "CPU"):
        yield note(
            f"PENSTOCK_DEVICE={os.environ['PENSTOCK_DEVICE']}: no native code runs", "Unset it."
        )
    if os.environ.get("PENSTOCK_DISABLE"):
        yield note(
            "PENSTOCK_DISABLE leaves parts of the compiler out: programs run slowly", "Unset it."
        )


CHECKS = (variables, slow_settings)
