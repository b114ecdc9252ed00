"""bench/run.py: rows that a run leaves as they were keep the machine and the day of their own measurement."""

import importlib.util
import sys

import pytest

from tests.doors.readme import README

NOW = {"processor": "New", "cores": 2, "python": "3.12", "date": "2026-02-02"}


@pytest.fixture(scope="module")
def run():
    folder = README.parent / "bench"
    sys.path.insert(0, str(folder))
    try:
        # By its file: examples have modules of this name, too.
        spec = importlib.util.spec_from_file_location("bench_run", folder / "run.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))


def test_rows_measured_in_part_are_of_the_earlier_run(run):
    known = {
        "machine": NOW | {"processor": "Old"},
        "earlier": {"c": "Oldest"},
        "results": {"a": {"penstock": [], "jax": []}, "b": {"penstock": []}, "c": {"jax": []}},
    }
    assert run.earlier({}, {"a": {}}) == {}
    old = "Old, 2 cores; Python 3.12; 2026-02-02"
    assert run.earlier(known, {"b": {"penstock": []}}) == {"a": old, "c": "Oldest"}
    assert run.earlier(known, {"a": {"penstock": []}, "c": {"jax": []}}) == {"a": old, "b": old}


def test_the_page_says_which_rows_are_of_an_earlier_run(run, tmp_path):
    row = {"penstock": [{"us": 1.0}], "torch": [{"us": 2.0}]}
    content = {"machine": NOW, "earlier": {"add": "Old"}, "results": {"add": row, "slice": row}}
    run.write(tmp_path / "latency.json", run.json.dumps(content))
    page = run.page(tmp_path, ["latency"])
    assert "- add is of an earlier run: Old." in page and "- slice is of" not in page
