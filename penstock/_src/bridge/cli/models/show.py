"""`penstock show`: what models hold."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Prints the signatures of models of any format, the sizes of their weights, their operations, and the work of a call."""


def main(arguments: Sequence[str]) -> int:
    """Describes models; returns 0."""
    parser = Parser("penstock show", DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="prints a JSON object per model")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="files or folders")
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.bridge.cli.models.description import describe
    from penstock._src.core.errors import OpError

    for number, path in enumerate(parsed.models):
        try:
            described = describe(path)
        except (OpError, OSError, ValueError, TypeError, ImportError) as error:
            raise refused(error) from error
        lines = [""] * bool(number) + described.lines()
        print(described.as_json() if parsed.json else "\n".join(lines))
    return 0
