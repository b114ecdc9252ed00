"""`penstock record`: runs a program and keeps what its compiled functions began with."""

from __future__ import annotations

import os
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program, refused
from penstock._src.bridge.cli.run import run_program

DESCRIPTION = """Runs a program and keeps what the last runs of its compiled functions began with, as `tf.debugging.recording` does, also where the program ends by an error.
`penstock replay FOLDER` then says what stands out in a run, and shows values. Options may stand before or after the program; what follows `--`, or is not known
here, belongs to the program."""
_EXPECTED = "a folder for the recording, then a script, or -m and a module"


def main(arguments: Sequence[str]) -> int:
    """Runs a program within a recording; returns 0, unless the program ends otherwise."""
    usage = "penstock record [--last N] [--operations] FOLDER SCRIPT ... | FOLDER -m MODULE ..."
    parser = Parser("penstock record", DESCRIPTION, usage=usage)
    parser.add_argument("--last", type=int, default=10, help="runs kept of each function (10)")
    parser.add_argument(
        "--operations", action="store_true", help="also keeps what each operation gave, compiled"
    )
    parsed, (folder, *program) = parse_with_program(parser, arguments, _EXPECTED)
    if not program or program == ["-m"]:
        parser.error(f"expected {_EXPECTED}")
    if parsed.last < 1:
        raise Refused(f"--last takes a positive number, not {parsed.last}.")
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.observe.recordings.recording import recording

    try:  # before the program runs: its time should not be lost
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise refused(error) from error
    with recording(folder, parsed.last, parsed.operations):
        run_program(program)
    return 0
