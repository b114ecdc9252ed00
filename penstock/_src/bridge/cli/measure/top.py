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
    parser.add_argument("--logdir", metavar="FOLDER", help="adds them to TensorBoard's logs")
    parsed, program = parse_with_program(parser, arguments)
    if parsed.every <= 0:
        raise Refused(f"--every takes a positive number of seconds, not {parsed.every:g}.")
    # Each command loads what it needs.
    from penstock._src.observe.usage import Usage

    usage_now = Usage()
    reports = _Reports(usage_now, parsed.out, parsed.logdir)
    ended = threading.Event()
    shown = threading.Thread(target=reports.show_until, args=(ended, parsed.every), daemon=True)
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
                reports.show("at the end")
        del kept  # until here the program's globals keep their objects alive
    return 0


class _Reports:
    """Destination of reports.

    Args:
      usage: what they are about.
      path: a file to add them to, or None for the standard error.
      logdir: a folder of TensorBoard's logs to add them to, or None.
    """

    def __init__(self, usage: Any, path: str | None, logdir: str | None) -> None:
        self._usage, self._path, self._logdir = usage, path, logdir
        self._writer: Any = None

    def show_until(self, ended: threading.Event, seconds: float) -> None:
        """Shows a report at a fixed interval."""
        while not ended.wait(seconds):
            self.show("now")

    def show(self, when: str) -> None:
        """Writes a report; on a terminal it overwrites the last one."""
        numbers, lines = self._usage.numbers(), self._usage.report()
        if self._logdir is not None:
            self._log(numbers, lines)
        text = "\n".join([f"--- {when}", *lines]) + "\n"
        if self._path is not None:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(text)
            return
        if sys.stderr.isatty() and when == "now":
            text = f"\x1b[2J\x1b[H{text}"
        sys.stderr.write(text)
        sys.stderr.flush()

    def _log(self, numbers: dict[str, float], lines: Sequence[str]) -> None:
        """Adds charts over the seconds since the program began, and the report as text."""
        # Each command loads what it needs.
        import penstock._src.api.load  # noqa: F401
        from penstock._src.observe import summaries
        from penstock._src.observe.writer import create_file_writer

        if self._writer is None:
            self._writer = create_file_writer(self._logdir)
        step = round(numbers.pop("seconds"))
        with self._writer.as_default(step=step):
            for name, number in numbers.items():
                summaries.scalar(f"penstock/{name}", number)
            summaries.text("penstock/report", "\n".join(f"    {line}" for line in lines))
        self._writer.flush()
