"""`penstock diff`: where two recorded runs part."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused

DESCRIPTION = """Repeats two runs that `tf.debugging.recording` has written, and names the inputs that differ and the first operation whose values differ, by how
much, and its line. The status is 0 if nothing differs, 1 if something does, 2 if they cannot be compared."""


def main(arguments: Sequence[str]) -> int:
    """Says where two recorded runs part; returns 1 if they do."""
    parser = Parser("penstock diff", DESCRIPTION)
    parser.add_argument("first", metavar="FOLDER", help="a recording")
    parser.add_argument("second", metavar="FOLDER", help="another")
    parser.add_argument("--step", type=int, help="which run of the function (the last one kept)")
    parser.add_argument("--function", help="its name, if the recordings hold several")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        help="how far values may lie apart, relative to the largest (0: every bit counts)",
    )
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.core.errors import OpError
    from penstock._src.observe.recordings.files import read
    from penstock._src.observe.recordings.parting import report
    from penstock._src.observe.recordings.repeated import repeat

    try:
        first = repeat(read(parsed.first, parsed.step, parsed.function))
        second = repeat(read(parsed.second, parsed.step, parsed.function))
    except (OpError, OSError, ValueError, KeyError) as error:
        raise Refused(str(error)) from error
    lines = report(first, second, parsed.tolerance)
    print("\n".join(lines) or f"The same values in {len(first.computed)} operations.")
    return int(bool(lines))
