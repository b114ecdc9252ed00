"""Tests here compile by hand what calls of functions compile: within numbers of unknown extents."""

from collections.abc import Iterator

import pytest

from penstock._src.ir.extents.values import Values
from tests.extents import NUMBERS


@pytest.fixture(autouse=True)
def _numbers_of_extents() -> Iterator[None]:
    with Values(NUMBERS):
        yield
