"""A server under damaged requests: some new ones, by protocols; nothing is told of the inside, and correct requests are answered."""

import asyncio
import collections
import functools

import pytest

from penstock._src.serving.models.config_files import read_models
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.server import Server
from penstock._src.serving.trust.limits import Limits
from tests.fuzz.serving import joins
from tests.fuzz.serving.asking import Asker, judged_reply
from tests.fuzz.serving.cases import case_of
from tests.fuzz.serving.served import save_models
from tests.fuzz.serving.within import Within
from tests.serving.kit import Rest

COUNT = 800
# Seeds that found something.
FOUND = (1001, 1048, 1053, 121527)
# Drawn models whose requests are joined; some refuse requests row by row. The last four gave wrong answers, as a check or a slice saw all rows, or their
# number.
JOINED = (0, 2, 4, 5, 10, 15, 18, 21, 31, 43, 48, 53, 1018, 1060, 1079, 1194)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    models = read_models(str(save_models(tmp_path_factory.mktemp("models"))))
    limits = Limits(max_body_bytes=1 << 22)
    with running(Options(models, rest_port=0, grpc_port=0, limits=limits)) as server:
        yield server


@pytest.fixture(scope="module")
def asker(server):
    asker = Asker(server.rest_port, server.grpc_port)
    yield asker
    asker.close()


def test_damaged_requests_are_refused_or_answered(server, asker):
    wrong = {seed: found for seed in range(COUNT) if (found := asker.ask(case_of(seed)))}
    assert not wrong
    assert server.admission.requests == server.admission.held_bytes == 0
    asked = {"instances": [[1.0], [2.0], [5.0]]}
    reply = Rest(server.rest_port)("/v1/models/half:predict", asked)
    assert reply == (200, {"predictions": [[2.5], [3.0], [4.5]]})
    # The cases reach what they are to reach.
    kinds = collections.Counter(what.split()[0] for what in asker.counts)
    assert asker.counts["REST 400"] > COUNT / 4 and asker.counts["gRPC INVALID_ARGUMENT"] > 50
    assert asker.counts["REST 200"] > 20 and asker.counts["gRPC OK"] > 5 and len(kinds) == 3


def test_damaged_requests_within_the_process(tmp_path, asker):
    """A hunt without sockets gets the replies that come through them."""
    kinds = ("rest", "grpc")
    cases = [case for seed in range(COUNT, COUNT + 100) if (case := case_of(seed)).kind in kinds]
    limits = Limits(max_body_bytes=1 << 22)
    models = read_models(str(save_models(tmp_path)))
    server = Server(Options(models, rest_port=-1, grpc_port=-1, limits=limits))
    server.begin()
    inside, before = Within(server), dict(asker.counts)

    async def ask_all():
        return [await asyncio.wait_for(inside.ask(case), 30) for case in cases]

    try:
        assert set(asyncio.run(ask_all())) == {""}
    finally:
        server.end()
    assert not any(asker.ask(case) for case in cases)
    now = asker.counts
    assert inside.counts == {k: n - before.get(k, 0) for k, n in now.items() if n != before.get(k)}


@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_is_mended(asker, seed):
    assert not asker.ask(case_of(seed))


@pytest.mark.parametrize(
    "status, body",
    [
        (500, b'{"error": "x"}'),
        (200, b"{"),
        (400, b'{"message": "x"}'),
        (400, b'{"error": "Internal error: KeyError"}'),
        (400, b'{"error": "File \\"serve.py\\", line 3"}'),
    ],
)
def test_the_judge_finds_faults(status, body):
    assert judged_reply(status, body)


def test_cases_are_the_same_for_a_seed():
    assert [case_of(seed) for seed in range(50)] == [case_of(seed) for seed in range(50)]


joined = functools.cache(joins.run)


@pytest.mark.parametrize("seed", JOINED)
def test_joined_requests_have_the_answers_and_errors_that_they_have_alone(seed):
    assert not joined(seed).wrong


def test_requests_of_drawn_models_are_joined_unless_rows_are_mixed():
    outcomes = [joined(seed) for seed in JOINED]
    by_rows = [outcome for outcome in outcomes if outcome.is_alone]
    assert sum(outcome.joined for outcome in by_rows) > len(by_rows) * joins.BATCHES * 2
    assert sum(outcome.refused for outcome in by_rows) > joins.BATCHES
    assert not any(outcome.is_joined for outcome in outcomes if not outcome.is_alone)
