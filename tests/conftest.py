"""Every test verifies what the compiler makes: primitives, kernels, memory, LLVM's IR (docs/debugging.md)."""

import os
from collections.abc import Sequence

import pytest

os.environ.setdefault("PENSTOCK_VERIFY", "1")
IS_CHECKED = os.environ.get("PENSTOCK_CHECKED", "0") != "0"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "plain_kernels: sees code or times of kernels, which PENSTOCK_CHECKED changes"
    )


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if IS_CHECKED and item.get_closest_marker("plain_kernels"):
            item.add_marker(pytest.mark.skip(reason="kernels that check their accesses are others"))
