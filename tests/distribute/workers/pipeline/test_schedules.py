"""The order of passes: every stage finds what it waits for, and holds no more than it has to."""

import pytest

from penstock._src.distribute.workers.pipeline.schedules import order, parts


def simulated(schedule, stages, count):
    """Runs all stages side by side, each waiting for its neighbors; the most micro-batches that each held."""
    todo = [order(schedule, stage, stages, count) for stage in range(stages)]
    done, held, most = set(), [0] * stages, [0] * stages
    while any(todo):
        before = len(done)
        for stage in range(stages):
            while todo[stage]:
                task = todo[stage][0]
                if task.is_forward:
                    needed = (True, task.index, stage - 1) if stage else None
                else:
                    needed = (False, task.index, stage + 1) if stage < stages - 1 else None
                if needed and needed not in done:
                    break
                done.add((*todo[stage].pop(0), stage))
                held[stage] += 1 if task.is_forward else -1
                most[stage] = max(most[stage], held[stage])
        assert len(done) > before, "all wait for each other"
    assert len(done) == 2 * stages * count and held == [0] * stages
    return most


@pytest.mark.parametrize("stages", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_stages_hold_as_many_micro_batches_as_stages_follow(stages, count):
    assert simulated("1F1B", stages, count) == [min(stages - s, count) for s in range(stages)]
    assert simulated("GPipe", stages, count) == [count] * stages


def test_backward_passes_come_in_one_order_in_all_schedules():
    for stage in range(3):
        backward = [
            [task.index for task in order(schedule, stage, 3, 5) if not task.is_forward]
            for schedule in ("1F1B", "GPipe")
        ]
        assert backward == [list(range(5))] * 2


def test_parts_cover_all_rows_and_none_is_empty():
    for rows in range(20):
        for count in (1, 3, 4, 30):
            bounds = parts(rows, count)
            assert [row for a, b in bounds for row in range(a, b)] == list(range(rows))
            sizes = [b - a for a, b in bounds]
            assert len(sizes) <= count and (not sizes or max(sizes) - min(sizes) <= 1 <= min(sizes))
