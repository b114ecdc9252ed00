"""`penstock top`: what a program holds and waits for, while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program
from penstock._src.bridge.cli.run import run_program

DESCRIPTION = """Runs a program, and shows every few seconds, and at its end, what it holds and waits for: memory of the process, of temporaries, tensors, caches, and of
variables by the lines that made them; what was compiled, in how many seconds and why; and which share of the time datasets took. It is written to the standard
error, or a file. Options may stand before or after the program; what follows `--`, or is not known here, belongs to the program."""


def main(arguments: Sequence[str]) -> int:
    """Runs a program and shows what it holds and waits for; returns 0, unless the program ends otherwise."""
    usage = "penstock top [--every SECONDS] [--out FILE] SCRIPT ... | -m MODULE ..."
    parser = Parser("penstock top", DESCRIPTION, usage=usage)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between reports (5)")
    parser.add_argument("--out", metavar="FILE", help="adds the reports to a file")
    parsed, program = parse_with_program(parser, arguments)
    if parsed.every <= 0:
        raise Refused(f"--every takes a positive number of seconds, not {parsed.every:g}.")
    # Each command loads what it needs.
    from penstock._src.observe.usage import Usage

    usage_now = Usage()
    ended = threading.Event()
    shown = threading.Thread(
        target=_show_until, args=(ended, usage_now, parsed.every, parsed.out), daemon=True
    )
    with usage_now.observing():
        shown.start()
        has_run = True
        try:
            kept = run_program(program)
        except Refused:
            has_run = False
            raise
        finally:
            ended.set()
            shown.join()
            if has_run:
                _show(usage_now, parsed.out, "at the end")
        del kept  # until here the program's globals keep their objects alive
    return 0


def _show_until(ended: threading.Event, usage: Any, seconds: float, path: str | None) -> None:
    while not ended.wait(seconds):
        _show(usage, path, "now")


def _show(usage: Any, path: str | None, when: str) -> None:
    """Writes a report: on a terminal in the place of the last one."""
    text = "\n".join([f"--- {when}", *usage.report()]) + "\n"
    if path is not None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
        return
    if sys.stderr.isatty() and when == "now":
        text = f"\x1b[2J\x1b[H{text}"
    sys.stderr.write(text)
    sys.stderr.flush()
