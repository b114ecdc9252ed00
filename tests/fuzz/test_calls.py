"""Calls with absurd arguments: what was found once, and a few new ones; and drawn calls that native code makes whole, beside Python's."""

import json
import resource
from pathlib import Path

import pytest

from penstock._src.api.extending import reads
from penstock._src.util.process.layouts import FREE_THREADED
from tests.fuzz import surviving
from tests.fuzz.calls import natively, worker
from tests.fuzz.calls.judging import judged

CORPUS = Path(__file__).parent / "calls" / "corpus.jsonl"
FOUND = [json.loads(line) for line in CORPUS.read_text().splitlines()]
NEW = range(150)
FORMS_OF_EACH = 12
natively_served = pytest.mark.skipif(
    FREE_THREADED, reason="calls are served by one thread at a time"
)


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


@natively_served
@pytest.mark.own_process
def test_native_calls_give_what_python_gives():
    bases = natively.bases()
    assert len(bases) > 140
    for first in range(0, FORMS_OF_EACH * len(bases), natively.FORMS):
        found = natively.differences(natively.drawn(range(first, first + natively.FORMS)))
        assert not found, natively.report(found)


@natively_served
@pytest.mark.own_process
def test_values_that_were_read_unseen_would_be_found(monkeypatch):
    class Unseen(reads.Reads):
        __slots__ = ()
        values = property(lambda _: False, lambda *_: None)

    monkeypatch.setattr(reads, "Reads", Unseen)
    assert natively.differences(natively.drawn(range(60), "^nn.log_softmax$"))
