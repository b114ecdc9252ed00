"""`penstock cache`: this user's compiled kernels, as a file for others."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused, refused

DESCRIPTION = """Exports this user's cache of compiled kernels to a signed file, merges such a file into the cache of another user or machine with
the same Penstock, or says whether a file or a model's pack may be used here. Kernels are for the kind of processor that they were compiled on."""


def main(arguments: Sequence[str]) -> int:
    """Exports, imports or verifies."""
    parsed = _parser().parse_args(list(arguments))
    # Each command loads what it needs.
    from penstock._src.aot.packing import transfer
    from penstock._src.core.errors import OpError
    from penstock._src.native.cache.packs import PackRefused

    try:
        if parsed.action == "export":
            count, size = transfer.export_cache(parsed.file, parsed.key)
            print(f"{parsed.file}: {count:,} kernels, {size:,} bytes.")
        elif parsed.action == "import":
            print(f"{transfer.import_cache(parsed.file):,} kernels are new in this user's cache.")
        else:
            pack = transfer.opened(parsed.file)
            print(
                f"{parsed.file}: whole, and signed by a trusted key. {len(pack.manifest.codes):,} kernels"
                f"{' for ' if pack.targets else ''}{', '.join(pack.targets)}."
            )
    except PackRefused as refusal:
        raise Refused(f"{parsed.file} may not be used: {refusal}") from refusal
    except (OSError, OpError) as error:
        raise refused(error) from error
    return 0


def _parser() -> Parser:
    parser = Parser("penstock cache", DESCRIPTION)
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="export | import | verify"
    )
    for name, text in (
        ("export", "writes the cache to FILE"),
        ("import", "merges FILE into the cache"),
        ("verify", "says whether FILE may be used"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("file", metavar="FILE")
        if name == "export":
            action.add_argument("--key", required=True, help="file of the secret key to sign with")
    return parser
