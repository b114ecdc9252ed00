"""`penstock flags`: the environment variables."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.util import flags

# The type of a flag as text; flags of other types take names.
KINDS = {int: "whole number", float: "number", str: "text", flags.Bytes: "size"}


def main(arguments: Sequence[str]) -> int:
    """Prints every environment variable that Penstock reads, with its current value and its meaning."""
    Parser("penstock flags", main.__doc__).parse_args(arguments)
    width = max(len(flag.variable) for flag in flags.TABLE.values())
    for flag in flags.TABLE.values():
        value = getattr(flags.flags, flag.name)
        value = ",".join(sorted(value)) if flag.name == "disable" else value
        print(
            f"{flag.variable:{width}}  {KINDS.get(flag.kind, 'names'):12}  {value!r:8}  {flag.meaning}"
        )
    print("\nPENSTOCK_DISABLE leaves out")
    for name, what in flags.OPTIONAL.items():
        print(f"  {name:12} {what}")
    return 0
