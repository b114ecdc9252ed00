"""`penstock convert`: writes a model in another format."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = (
    """Reads a model of any format and writes it in another, which OUT's suffix says, or --to."""
)


def main(arguments: Sequence[str]) -> int:
    """Converts a model; returns 0."""
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.core.errors import OpError
    from penstock._src.formats.table import FORMATS, convert

    parser = Parser("penstock convert", DESCRIPTION)
    parser.add_argument("source", metavar="IN", help="a file or folder")
    parser.add_argument("target", metavar="OUT", help="the file or folder to make")
    written = [name for name, row in FORMATS.items() if row.writer]
    parser.add_argument("--to", choices=written, default="", help="the format of OUT")
    parser.add_argument("--signature", default="", help="the only signature to write")
    types = "; ".join(
        f"{name}: {', '.join(row.quantizations)}"
        for name, row in FORMATS.items()
        if row.quantizations
    )
    parser.add_argument(
        "--quantize", default="", metavar="TYPE", help=f"the type of stored weights ({types})"
    )
    options = parser.parse_args(arguments)
    try:
        source_format, target_format = convert(
            options.source, options.target, options.to, options.signature, options.quantize
        )
    except (OpError, OSError, ValueError, TypeError, ImportError) as error:
        raise refused(error) from error
    print(f"{options.source} ({source_format.title}) -> {options.target} ({target_format.title})")
    return 0
