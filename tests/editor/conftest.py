"""Editors and type checkers read stubs."""

import pytest

from tests.harness.stubs import make_stubs


@pytest.fixture(scope="session", autouse=True)
def _stubs() -> None:
    make_stubs()
