"""`penstock export`: a model as a file of another framework."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Writes a model in another framework's format.

MODEL is a SavedModel, a Keras file or a file of any format that Penstock reads."""


def main(arguments: Sequence[str]) -> int:
    """Exports one model."""
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError
    from penstock._src.formats.table import FORMATS, read

    parser = Parser("penstock export", DESCRIPTION)
    formats = parser.add_mutually_exclusive_group(required=True)
    for name, each in FORMATS.items():
        if each.writer:
            formats.add_argument(
                f"--{name}", action="store_const", const=name, dest="format", help=each.title
            )
    parser.add_argument("model", metavar="MODEL", help="the file or folder to read")
    parser.add_argument("out", metavar="OUT", help="the file to write")
    parser.add_argument("--signature", default="", help="of the model; by default its default")
    parsed = parser.parse_args(arguments)
    try:
        model = read(parsed.model)
        if parsed.signature:
            model = model.with_only(parsed.signature)
        FORMATS[parsed.format].write(model, parsed.out)
    except (OSError, OpError) as error:
        raise refused(error) from error
    print(f"{parsed.out}: {FORMATS[parsed.format].title}")
    return 0
