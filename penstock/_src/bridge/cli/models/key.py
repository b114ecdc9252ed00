"""`penstock key`: a key that signs packs."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Makes a key that signs packs (penstock pack): a secret key in FILE, which must be kept, and the public key in FILE.pub, which users of
your packs trust (penstock trust FILE.pub)."""


def main(arguments: Sequence[str]) -> int:
    """Makes a key."""
    parser = Parser("penstock key", DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="to be written")
    parsed = parser.parse_args(list(arguments))
    # Each command loads what it needs.
    from penstock._src.aot.packing import new_key
    from penstock._src.core.errors import OpError

    try:
        public = new_key(parsed.file)
    except (OSError, OpError) as error:
        raise refused(error) from error
    print(f"{parsed.file} signs packs: keep it secret. {public} is for those who use them.")
    return 0
