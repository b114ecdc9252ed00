"""The example's modules, and its first run over five months."""

import importlib
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

import penstock
from tests.examples.pipeline.flights import FOLDER, MONTHS, write

NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture(scope="session")
def example():
    """The modules of examples/pipeline by name, only as long as they are needed: their names are short."""
    penstock.install_as_tensorflow()
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """1,500 flights of each of five months, as CSV."""
    folder = tmp_path_factory.mktemp("flights")
    for month in MONTHS:
        rows = pd.read_csv(FOLDER.parent / "data" / "flights" / f"{month}.csv.gz")
        write(folder, month, rows)
    return folder


@pytest.fixture(scope="session")
def first(example, data, tmp_path_factory):
    """The results of a first run. Every later run has these options, and others after them."""
    root = tmp_path_factory.mktemp("root")
    options = ["--root", str(root), "--first", "4", "--epochs", "2", "--least-auc", "0.45"]
    options += ["--least-rows", "50", "--data"]
    assert example.run.main([*options, str(data)]) == 0
    return SimpleNamespace(root=root, options=options, serving=root / "serving" / "flights")
