"""The tree that the rules read, and trees in which a test plants an offender."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.layout.sources import ROOT, Tree


@pytest.fixture(scope="session")
def tree(request: pytest.FixtureRequest) -> Tree:
    """The files of the project; without pytest's cache, nothing is kept of them."""
    cache = getattr(request.config, "cache", None)
    return Tree(ROOT, cache.mkdir("layout") if cache else None)


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Tree]:
    """Makes a tree of files: `plant({"penstock/_src/util/a.py": "import os\\n"})`."""

    def planted(files: dict[str, str]) -> Tree:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Tree(tmp_path)

    return planted
