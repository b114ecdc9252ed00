"""`penstock tune`: faster cuts of a program's matrix products."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program, refused
from penstock._src.bridge.cli.run import run_program
from penstock._src.util.process.progress import Progress

DESCRIPTION = """Runs a program, searches better cuts for the matrix products that it compiled, and adds them to a file of records, which later
processes read. Options may stand before or after the program; what follows `--`, or is not known here, belongs to the program."""


def main(arguments: Sequence[str]) -> int:
    """Runs a program, searches better tilings for its matrix products, and adds them to the tuning file."""
    usage = "penstock tune [--seconds N] [--out FILE] SCRIPT ... | -m MODULE ..."
    parser = Parser("penstock tune", DESCRIPTION, usage=usage)
    parser.add_argument("--seconds", type=float, default=120.0, help="of the search (120)")
    parser.add_argument("--out", help="file of records; by default the one that Penstock reads")
    parsed, program = parse_with_program(parser, arguments)
    # Each command loads what it needs.
    from penstock._src.compiler.codegen import tuning_records as records
    from penstock._src.compiler.tuning import search
    from penstock._src.native import host, pool

    path = pathlib.Path(parsed.out) if parsed.out else records.default_path()
    if path is None:
        raise Refused("there is no folder for records. Name a file with --out.")
    try:  # before the program runs: its time should not be lost
        kept = records.TuningRecords.read(path) if path.exists() else records.TuningRecords()
        _check_writable(path)
    except (OSError, ValueError) as error:
        raise refused(error) from None
    with search.recording() as products:
        status = _status_of(program)
    if status:
        return status
    with Progress(f"measuring {len(products)} products") as progress:

        def report(finding: search.Finding) -> None:
            progress.say(_text(finding))

        for finding in search.tune(products.values(), parsed.seconds, report):
            if finding.gain > 1:
                kept.add(host(), pool().threads, finding.product, finding.blocking)
    kept.write(path)
    print(f"{path}: records of {sum(map(len, kept.found.values()))} products.")
    return 0


def _status_of(program: Sequence[str]) -> int:
    """Runs a program; returns its exit status, also where it ends by `sys.exit`."""
    try:
        run_program(program)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    return 0


def _check_writable(path: pathlib.Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a file.")
    if not path.parent.exists():
        path.parent.mkdir(parents=True)


def _text(finding) -> str:
    verdict = f"{finding.gain:.2f} times as fast" if finding.gain > 1 else "nothing better"
    return f"{finding.product}: {finding.seconds * 1e6:.1f} us, {verdict}"
