"""An op without permissions touches nothing: all ops, with paths in all strings, under an audit hook."""

import pytest

from penstock._src.core import registry
from tests.fuzz.consent.trial import Trial, forgotten

# Kinds of what an op may do: read and write a file, list a folder, call Python, end the process, import a graph.
PLANTED = """ReadFile WriteFile SaveV2 MatchingFiles TextLineDataset CacheDataset CreateSummaryFileWriter PyFunc Abort
DatasetFromGraph SqlDataset""".split()


@pytest.mark.own_process  # an audit hook stays, and memory is limited
def test_ops_in_graphs_without_permissions_touch_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Trial(tmp_path).all_of(sorted(registry.load_all())) == []


@pytest.mark.own_process
def test_a_permission_that_a_class_forgets_is_found(tmp_path, monkeypatch):
    missed = []
    for op in PLANTED:
        (tmp_path / op).mkdir()
        with forgotten(op), monkeypatch.context() as patched:
            patched.chdir(tmp_path)
            missed += [op] * (next(iter(Trial(tmp_path / op).of(op)), None) is None)
    assert not missed
