"""`penstock trust`: the makers whose machine code may run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penstock._src.bridge.cli.arguments import Parser, Refused, refused

DESCRIPTION = """Trusts the owner of a public key: machine code that the key has signed may run on this machine, as this user. Without KEY, lists the
keys that are trusted. To trust one no longer, remove its file."""


def main(arguments: Sequence[str]) -> int:
    """Adds a key, or lists them."""
    parser = Parser("penstock trust", DESCRIPTION)
    parser.add_argument("key", metavar="KEY.pub", nargs="?", help="file of a public key")
    parsed = parser.parse_args(list(arguments))
    # Each command loads what it needs.
    from penstock._src.native.cache.packs import trust

    if parsed.key is None:
        folder = trust.folder()
        paths = sorted(folder.glob(f"*{trust.SUFFIX}")) if folder else []
        print("\n".join(map(str, paths)) or "No keys are trusted.")
        return 0
    try:
        key = trust.key_of(Path(parsed.key).read_text())
        if key is None:
            raise Refused(f"{parsed.key} does not hold a public key of packs")
        print(trust.trust(key))
    except (OSError, UnicodeDecodeError) as error:
        raise refused(error) from error
    return 0
