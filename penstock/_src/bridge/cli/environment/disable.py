"""`penstock disable`: undoes `penstock enable`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.bridge.environments import site_packages


def main(arguments: Sequence[str]) -> int:
    """Undoes `penstock enable` in this virtual environment."""
    Parser("penstock disable", main.__doc__).parse_args(arguments)
    if site_packages.is_brought_by_wheel():
        raise Refused(f"pip installed what stands in. Use `pip uninstall {site_packages.WHEEL}`.")
    if site_packages.remove_stand_in():
        print(f"`import tensorflow` no longer means Penstock in {sys.prefix}.")
    else:
        print(f"`import tensorflow` does not mean Penstock in {sys.prefix}: nothing to undo.")
    return 0
