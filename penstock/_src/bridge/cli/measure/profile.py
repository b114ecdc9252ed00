"""`penstock profile`: the lines of a program that cost most."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program
from penstock._src.bridge.cli.run import run_program
from penstock._src.util.files.whole import written_whole

DESCRIPTION = """Runs a program, and says at its end which lines cost most: their kernels, operations on the host and eager operations with the share of the time, what they
reach of this machine's peak and of memory's bandwidth, and what to change; then what was compiled, and which datasets the program waited for. It is written to the standard
error, or a file. Options may stand before or after the program; what follows `--`, or is not known here, belongs to the program."""


def main(arguments: Sequence[str]) -> int:
    """Runs a program and says which lines cost most; returns 0, unless the program ends otherwise."""
    usage = "penstock profile [--lines N] [--out FILE] SCRIPT ... | -m MODULE ..."
    parser = Parser("penstock profile", DESCRIPTION, usage=usage)
    parser.add_argument("--lines", type=int, default=10, help="how many lines are listed (10)")
    parser.add_argument("--out", metavar="FILE", help="writes the report to a file")
    parsed, program = parse_with_program(parser, arguments)
    if parsed.lines < 1:
        raise Refused(f"--lines takes a positive number, not {parsed.lines}.")
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.observe.costs import LineCosts
    from penstock._src.observe.profiler import begin, end
    from penstock._src.observe.usage import Usage

    costs, usage_now = LineCosts(), Usage()
    start, kept = time.perf_counter(), None
    with usage_now.observing():
        begin(costs)
        try:
            kept = run_program(program)
        finally:
            seconds = time.perf_counter() - start
            end(costs)
            if kept is not None or costs.costs:
                lines = [*costs.report(seconds, parsed.lines), *usage_now.times()]
                _write("\n".join(lines) + "\n", parsed.out)
    return 0


def _write(text: str, path: str | None) -> None:
    if path is None:
        sys.stderr.write(text)
        sys.stderr.flush()
        return
    with written_whole(path) as file:
        file.write(text.encode())
