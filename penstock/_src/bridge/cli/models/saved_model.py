"""`penstock saved-model`: what a SavedModel holds, and what its signatures give."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import refused


def main(arguments: Sequence[str]) -> int:
    """Shows, runs or scans a SavedModel."""
    # Each command loads what it needs.
    from penstock._src.bridge.python.tools.saved_models import command
    from penstock._src.core.errors import OpError

    try:
        return command.main(arguments)
    except (OSError, OpError, RuntimeError, ValueError) as error:
        raise refused(error) from error
