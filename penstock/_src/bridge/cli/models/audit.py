"""`penstock audit`: what models would do besides computing."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Says what models would do besides computing, without loading them.
The status is 0 if nothing, 1 if something that needs its caller's consent, 2 for damaged files."""


def main(arguments: Sequence[str]) -> int:
    """Says what models would do besides computing: status 0 if nothing, 1 if something, 2 for damaged files."""
    parser = Parser("penstock audit", DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="prints a JSON object per model")
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="+",
        help="SavedModels, GraphDefs, .keras and .h5 files, checkpoints",
    )
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.bridge.python.tools.audit import files
    from penstock._src.core.errors import OpError

    status = 0
    for path in parsed.models:
        try:
            audit = files.audit(path)
        except (OSError, OpError) as error:
            raise refused(error) from error
        print(audit.as_json() if parsed.json else "\n".join(audit.lines()))
        status = max(status, 1 if audit.needed() else 0)
    return status
