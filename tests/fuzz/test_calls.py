"""Calls with absurd arguments: what was found once, and a few new ones."""

import json
import resource
from pathlib import Path

import pytest

from tests.fuzz import surviving
from tests.fuzz.calls import worker
from tests.fuzz.calls.judging import judged

CORPUS = Path(__file__).parent / "calls" / "corpus.jsonl"
FOUND = [json.loads(line) for line in CORPUS.read_text().splitlines()]
NEW = range(150)


@pytest.fixture(autouse=True)
def _bounded_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_AS)
    surviving.limit_memory()
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def _check(call, ways):
    answer = judged(call, ways)
    assert not answer["finding"], (call, answer["finding"], answer["text"])
    return answer["outcome"]


@pytest.mark.parametrize("number", range(len(FOUND)))
def test_what_was_found_gives_a_result_or_a_named_error(number):
    found = FOUND[number]
    assert _check(found["call"], tuple(found["ways"])) == found["outcome"]


def test_absurd_arguments_give_a_result_or_a_named_error():
    for seed in NEW:
        case = worker.case_of("", 7 * seed)
        _check(case.call(), worker.WAYS_OF_SEED[seed % 4] if seed % 16 < 4 else ())
