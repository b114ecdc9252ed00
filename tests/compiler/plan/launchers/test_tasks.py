"""How the rounds of a nest are shared out: tasks are worth their launch, end together, and leave room for Ctrl-C."""

import pytest

from penstock._src.native.algorithms.sizing import (
    GRAIN,
    LONG,
    MOST_LONG_TASKS,
    MOST_TASKS,
    rounds_of_a_task,
)


@pytest.mark.parametrize(
    "total, work, threads, rounds",
    [
        (1000, LONG - 1, 1, 1000),  # one thread works alone
        (1000, 4 * LONG, 1, 250),  # and stops now and then
        (1000, 5 * LONG - 1, 1, 250),
        (1 << 20, 4 * MOST_LONG_TASKS * LONG, 1, (1 << 20) // MOST_LONG_TASKS),
        (1000, GRAIN, 4, 1000),  # too little for two tasks
        (1000, GRAIN + 1, 4, 500),
        (1, 100 * GRAIN, 4, 1),
        (64, 16 * GRAIN, 4, 4),  # sixteen tasks, four for each thread
        (10, 100 * GRAIN, 4, 1),  # three rounds for a thread, as small as they may be
        (9, 100 * GRAIN, 2, 1),
        (10**6, 200 * GRAIN, 4, 10**6 // (4 * MOST_TASKS)),
        (10**6, 100 * LONG, 4, 10**4),
        (
            100,
            13 * GRAIN,
            4,
            13,
        ),  # in thirteen tasks a thread would have up to 32 rounds, in eight 26, in four 25
    ],
)
def test_rounds_of_a_task_follow_from_work_and_threads(total, work, threads, rounds):
    assert rounds_of_a_task(total, work, threads) == rounds
