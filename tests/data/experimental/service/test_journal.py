"""What a fault tolerant dispatcher keeps."""

import pytest

import penstock as tf
from penstock._src.data.experimental.service import journal, messages
from penstock._src.data.experimental.service.clients.distribute import _graph
from penstock._src.data.experimental.service.journal import Journal
from penstock._src.data.experimental.service.state import State


def state_with_a_job(folder):
    """(state, name of a job of ten numbers)."""
    state = State(Journal(str(folder)))
    pipeline = tf.data.Dataset.range(10)._variant_tensor._value
    dataset = state.register(messages.RegisterRequest(graph=_graph(pipeline)))
    return state, state.make_job(messages.JobRequest(dataset_id=dataset, policy=1))


def taken(state, job, worker, number):
    """The number that a worker is given."""
    request = messages.SplitRequest(job=job, worker=worker, number=number)
    element = state.split(request)
    return None if element is None else int(element[0])


def path(folder):
    return folder / journal.FOLDER / journal.NAME


def test_workers_are_given_each_element_once_over_restarts(tmp_path):
    state, job = state_with_a_job(tmp_path)
    assert [taken(state, job, "a", 1), taken(state, job, "b", 1), taken(state, job, "a", 2)] == [
        0,
        1,
        2,
    ]
    for number in (2, 3):
        again = State(Journal(str(tmp_path)))
        assert taken(again, job, "a", 2) == 2 and taken(again, job, "b", 1) == 1
        assert taken(again, job, "c", number) == number + 1
    rest = [taken(again, job, "d", number) for number in range(6)]
    assert rest == [5, 6, 7, 8, 9, None]
    after = State(Journal(str(tmp_path)))
    assert taken(after, job, "d", 5) is None and taken(after, job, "d", 6) is None


def test_what_is_over_is_not_kept(tmp_path):
    state, job = state_with_a_job(tmp_path)
    for number in range(10):
        taken(state, job, "a", number)
    size = path(tmp_path).stat().st_size
    again = State(Journal(str(tmp_path)))
    assert path(tmp_path).stat().st_size < size
    again.end_job(job)
    assert job not in State(Journal(str(tmp_path))).jobs
    with pytest.raises(tf.errors.NotFoundError, match="there is no job"):
        taken(State(Journal(str(tmp_path))), job, "a", 11)


def test_a_large_journal_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "LARGE", 600)
    state, job = state_with_a_job(tmp_path)
    sizes = []
    for number in range(9):
        assert taken(state, job, "a", number) == number
        sizes.append(path(tmp_path).stat().st_size)
    assert sorted(sizes) != sizes
    assert taken(State(Journal(str(tmp_path))), job, "b", 1) == 9


def test_a_change_that_was_cut_short_was_never_made_and_others_are_errors(tmp_path):
    tmp_path = tmp_path / "state at home"  # as in messages, which say at which byte
    state, job = state_with_a_job(tmp_path)
    taken(state, job, "a", 1)
    whole = path(tmp_path).read_bytes()
    for length in (1, 9, 13):
        path(tmp_path).write_bytes(whole[:-length])
        assert taken(State(Journal(str(tmp_path))), job, "b", 1) == 0
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    path(tmp_path).write_bytes(damaged)
    with pytest.raises(tf.errors.DataLossError, match="dispatcher's journal"):
        State(Journal(str(tmp_path)))
