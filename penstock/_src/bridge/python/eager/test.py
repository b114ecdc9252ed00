"""Tests that run eagerly."""

from typing import Any
from unittest import mock as mock

from penstock._src.api.test import case
from penstock._src.v1.graphs.default_graph import enable_eager_execution


def main(argv: Any = None) -> None:
    """Runs the tests of the main module eagerly."""
    enable_eager_execution()
    case.main(argv)
