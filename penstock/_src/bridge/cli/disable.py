"""`penstock disable`: undoes `penstock enable`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.bridge.cli.enable import start_file


def main(arguments: Sequence[str]) -> int:
    """Undoes `penstock enable` in this virtual environment."""
    Parser("penstock disable", main.__doc__).parse_args(arguments)
    place = start_file()
    if not place.exists():
        print(f"`import tensorflow` does not mean Penstock in {sys.prefix}: nothing to undo.")
        return 0
    place.unlink()
    print(f"`import tensorflow` no longer means Penstock in {sys.prefix}.")
    return 0
