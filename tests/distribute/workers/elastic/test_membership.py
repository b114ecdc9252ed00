"""Generations of workers, as the launcher decides them."""

import json

import pytest

import penstock as tf
from penstock._src.cluster.elastic.membership import Membership


def made(count, least=1, most=6):
    membership = Membership(least, most, count)
    for number in range(count):
        membership.start(number)
    return membership


def join(membership, *workers, after=0, is_open=True, section=1):
    """The states that workers are told that ask twice."""
    for _ in range(2):
        told = [
            json.loads(membership.join(json.dumps({
                "worker": n, "address": f"h:{n}", "after": after, "open": is_open, "section": section,
            }).encode()))
            for n in workers
        ]  # fmt: skip
    return [one["state"] for one in told]


def is_pending(membership, worker, section=1):
    number = membership.generation.number
    request = json.dumps({"worker": worker, "generation": number, "section": section}).encode()
    return json.loads(membership.beat(request))["pending"]


def record(membership, section, result):
    membership.record(json.dumps({"section": section, "result": result}).encode())


def test_the_first_generation_waits_for_all():
    membership = made(2)
    assert join(membership, 0) == ["wait"]
    assert join(membership, 1, 0) == ["go", "go"]
    assert membership.generation.members == (0, 1)


def test_a_smaller_job_dismisses_the_last_ranks():
    membership = made(4)
    join(membership, 0, 1, 2, 3)
    assert not is_pending(membership, 0)
    membership.resize(2)
    assert is_pending(membership, 0)
    assert join(membership, 0, 1, 2, 3, after=1) == ["go", "go", "leave", "leave"]


def test_members_meet_newcomers_once_all_of_them_are_there():
    membership = made(1)
    join(membership, 0)
    membership.resize(3)
    membership.start(1)
    membership.start(2)
    join(membership, 1)
    assert not is_pending(membership, 0), "one is on its way"
    join(membership, 2)
    assert is_pending(membership, 0)
    assert join(membership, 0, after=1) == ["go"] and membership.generation.members == (0, 1, 2)


def test_newcomers_stay_out_where_the_program_is_not_open():
    membership = made(2)
    join(membership, 0, 1)
    membership.start(2)
    join(membership, 2)
    membership.end(1, False)
    assert join(membership, 0, after=1, is_open=False) == ["go"]
    assert membership.generation.members == (0,)


def test_newcomers_to_a_program_that_has_ended_end_too():
    membership = made(1)
    join(membership, 0)
    membership.start(1)
    membership.end(0, True)
    assert join(membership, 1) == ["over"]


def test_newcomers_are_given_results_and_come_in_at_the_section_of_the_members():
    membership = made(2)
    join(membership, 0, 1)
    record(membership, 1, "a history")
    membership.start(2)
    membership.resize(3)
    assert join(membership, 2) == ["wait"], "this may be the last section"
    is_pending(membership, 0, section=2)
    is_pending(membership, 1, section=2)
    assert join(membership, 2) == ["past"]
    assert not is_pending(membership, 0, section=2), "the newcomer is on its way"
    assert join(membership, 2, section=2) == ["wait"]
    assert is_pending(membership, 0, section=2)
    assert join(membership, 0, 1, after=1, section=2) == ["go", "go"]
    assert membership.generation.members == (0, 1, 2)


def test_newcomers_to_a_section_without_a_result_are_refused():
    membership = made(1)
    join(membership, 0)
    is_pending(membership, 0, section=2)
    membership.start(1)
    assert join(membership, 1) == ["missed"]


def test_a_newcomer_does_not_go_on_from_results_whose_workers_are_lost():
    membership = made(1)
    join(membership, 0)
    record(membership, 1, "a history")
    membership.start(1)
    membership.start(2)
    is_pending(membership, 0, section=2)
    assert join(membership, 1) == ["past"]
    membership.end(0, False)
    assert join(membership, 1, section=2) == ["lost"]
    assert join(membership, 2) == ["go"], "another life begins with the program"


def test_a_newcomer_that_was_never_a_member_does_not_end_the_job():
    membership = made(1)
    join(membership, 0)
    membership.start(1)
    membership.end(1, True)
    assert not membership.is_over


def test_numbers_outside_the_bounds_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in \[1, 6\].*Received: 7"):
        made(2).resize(7)
