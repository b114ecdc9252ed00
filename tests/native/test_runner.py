"""Tables of launches, jumps and switches; the pool under them."""

import os
import threading
import time

import numpy as np
import pytest

from penstock._src.native import Call, Code, Module, kernels, pool
from penstock._src.native import runner as r
from penstock._src.native.language.types import I8, I32, I64, PTR


@pytest.fixture(scope="module")
def library():
    """add(p, amount): *p += amount; below(p, limit, flag): *flag = *p < limit; mark(p): p[task] = thread."""
    m = Module()
    with m.task("add") as f:
        p = f.load(f.ctx, 0, PTR)
        f.store(f.load(p, 0, I64) + f.load(f.ctx, 1, I64), p)
    with m.task("below") as f:
        p, flag = f.load(f.ctx, 0, PTR), f.load(f.ctx, 2, PTR)
        f.store(f.convert(f.load(p, 0, I64) < f.load(f.ctx, 1, I64), I8), flag)
    with m.task("mark") as f:

        def wait(i, x):
            return (x * 3 + i,)

        (noise,) = f.loop(f.i64(0), 20000, 1, wait, f.task)
        p = f.load(f.ctx, 0, PTR)
        f.store(f.tid + (noise & 0) + 1, p, f.task)
    with m.task("count") as f:
        place = f.at(f.load(f.ctx, 0, PTR), f.task, I64)
        f.store(f.load(place, 0, I64) + 1, place)
    with m.task("fail") as f:
        f.store(f.load(f.ctx, 1, I64), f.load(f.ctx, 0, PTR))
    with m.task("set32") as f:
        f.store(f.convert(f.load(f.ctx, 1, I64), I32), f.load(f.ctx, 0, PTR))
    return kernels()[Code.of(m)]


def record(operation, a, *args):
    return [operation, a, r.HEADER + len(args), 0, *args]


def address(array):
    return array.ctypes.data


def test_a_loop_of_jumps(library):
    n, flag = np.zeros(1, np.int64), np.zeros(1, np.int8)
    add = record(library["add"], 1, address(n), 3)
    test = record(library["below"], 1, address(n), 20, address(flag))
    again = record(r.JUMP, 0)
    end = len(add + test) + len(record(r.JUMP_UNLESS, 0, 0)) + len(again)
    table = add + test + record(r.JUMP_UNLESS, end, address(flag)) + again
    call = Call(table, 0, threads=pool().threads, keep=(library, n, flag))
    assert call.run() == 0 and n[0] == 21


def test_switch_takes_the_last_branch_outside_its_range(library):
    n, index = np.zeros(1, np.int64), np.zeros(1, np.int32)
    ones = record(library["add"], 1, address(n), 1)
    tens = record(library["add"], 1, address(n), 10)
    head = len(record(r.SWITCH, 2, address(index), 0, 0))
    second = head + len(ones) + 6
    end = second + len(tens)
    table = (
        record(r.SWITCH, 2, address(index), head, second) + ones + record(r.JUMP, end, 0, 0) + tens
    )
    call = Call(table, 0, threads=pool().threads, keep=(library, n, index))
    for value, want in ((0, 1), (1, 10), (7, 10), (-1, 10)):
        n[0], index[0] = 0, value
        assert call.run() == 0 and n[0] == want


def test_a_status_ends_the_run(library):
    n = np.zeros(1, np.int64)
    table = record(library["fail"], 1, 0, 42) + record(library["add"], 1, address(n), 1)
    call = Call(table, 0, threads=1, keep=(library, n))
    call.table[r.HEADER] = address(call.status)
    assert call.run() == 42 and n[0] == 0
    call.table[r.HEADER + 1] = 0
    assert call.run() == 0 and n[0] == 1


def test_inputs_are_patched_with_offsets(library):
    x = np.zeros(4, np.int64)
    call = Call(record(library["add"], 1, 0, 5), 1, [(0, r.HEADER, 16)], threads=1, keep=library)
    call.run(x)
    assert x.tolist() == [0, 0, 5, 0]
    for wrong in ((), (x, x), (3,), (None,)):
        with pytest.raises(TypeError, match="array"):
            call.run(*wrong)


def test_timed_runs_add_up_and_log(library):
    n = np.zeros(1, np.int64)
    call = Call(record(library["add"], 1, address(n), 1) * 3, 0, threads=1, keep=(library, n))
    timed, log = call.timed(2)
    assert timed() == 0 and n[0] == 3
    assert log[0] == 2 and (call.table.reshape(3, -1)[:, r.NANOSECONDS] > 0).all()
    assert log[2] == 0 and log[5] == 6 and log[3] <= log[4] <= log[6]


def mark(library, tasks):
    threads = np.zeros(tasks, np.int64)
    call = Call(
        record(library["mark"], tasks, address(threads)),
        0,
        threads=pool().threads,
        keep=(library, threads),
    )
    assert call.run() == 0
    return threads


def test_every_task_runs_once_at_any_pool_size(library):
    before = pool().threads
    try:
        for size in (1, 3, 2, 5):
            pool().resize(size)
            assert pool().threads == size
            for tasks in (0, 1, 2, 63, 200):
                threads = mark(library, tasks)
                assert (threads > 0).all() and (threads <= size).all()
    finally:
        pool().resize(before)


def test_very_many_tasks_run_once_each(library):
    counts = np.zeros(100_005, np.int64)
    table = record(library["count"], len(counts), address(counts))
    assert Call(table, 0, threads=pool().threads, keep=(library, counts)).run() == 0
    assert (counts == 1).all()


def test_sleeping_workers_wake_for_a_job_and_to_leave(library):
    before = pool().threads
    try:
        pool().resize(20)
        mark(library, 200)
        time.sleep(0.05)
        threads = mark(library, 2000)
        assert (threads > 0).all() and (threads <= 20).all()
        time.sleep(0.05)
    finally:
        pool().resize(before)


def test_a_grown_pool_does_not_exceed_what_the_caller_prepared(library):
    before = pool().threads
    threads = np.zeros(100, np.int64)
    call = Call(
        record(library["mark"], 100, address(threads)), 0, threads=2, keep=(library, threads)
    )
    try:
        pool().resize(4)
        for _ in range(20):
            call.run()
            assert (threads > 0).all() and (threads <= 2).all()
    finally:
        pool().resize(before)


def test_callers_on_several_python_threads(library):
    results = []
    crew = [threading.Thread(target=lambda: results.append(mark(library, 50))) for _ in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert len(results) == 4 and all((r > 0).all() for r in results)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_pool_of_its_own(library):
    before = pool().threads
    pool().resize(2)
    mark(library, 50)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0 if (mark(library, 50) > 0).all() and pool().threads == 2 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert (mark(library, 50) > 0).all()
    finally:
        pool().resize(before)


def test_a_thread_that_works_alone_runs_all_its_tasks(library):
    before, found = pool().threads, {}
    pool().resize(4)

    def alone():
        pool().work_alone()
        found["alone"] = [mark(library, 200) for _ in range(20)]
        pool().work_alone(False)
        found["again"] = [mark(library, 200) for _ in range(20)]

    try:
        thread = threading.Thread(target=alone)
        thread.start()
        thread.join()
        others = [mark(library, 200) for _ in range(20)]
    finally:
        pool().resize(before)
    assert all((threads == 1).all() for threads in found["alone"])
    assert any((threads > 1).any() for threads in found["again"])
    assert any((threads > 1).any() for threads in others)


def streams(*bodies, before=()):
    """The table of a record of streams, one for each list of records, after others."""
    start = sum(before, []) if before else []
    at = len(start) + r.HEADER + r.STREAM_WORDS * len(bodies)
    args, rest = [], []
    for body in bodies:
        words = sum(body, [])
        args += [at + len(rest), at + len(rest) + len(words), 1]
        rest += words
    return start + record(r.STREAMS, len(bodies), *args) + rest


@pytest.fixture
def two_threads():
    before = pool().threads
    pool().resize(2)
    yield
    pool().resize(before)


def test_streams_run_each_in_its_order_and_the_table_goes_on_after_them(library, two_threads):
    numbers = np.zeros(4, np.int64)
    bodies = [
        [record(library["add"], 1, address(n), i + 1)] * 50 for i, n in enumerate(rows(numbers))
    ]
    after = record(library["add"], 1, address(numbers), 1000)
    call = Call(streams(*bodies) + after, 0, threads=2, streams=4, keep=(library, numbers))
    for _ in range(20):
        numbers[:] = 0
        assert call.run() == 0
        assert numbers.tolist() == [1050, 100, 150, 200]


def rows(numbers):
    return [numbers[i:] for i in range(len(numbers))]


def test_streams_run_at_the_same_time(library, two_threads):
    """Each stream waits for what the other one stores."""
    flags, n = np.zeros(2, np.int8), np.zeros(1, np.int64)
    at, words, args = r.HEADER + 2 * r.STREAM_WORDS, [], []
    for own in range(2):
        store = record(library["below"], 1, address(n), 1, address(flags[own:]))
        first = at + len(words)
        words += store + record(r.JUMP_UNLESS, first, address(flags[1 - own :]))
        args += [first, at + len(words), 1]
    call = Call(
        record(r.STREAMS, 2, *args) + words, 0, threads=2, streams=2, keep=(library, n, flags)
    )
    call.status[r.DEADLINE] = time.monotonic_ns() + 60_000_000_000
    assert call.run() == 0 and flags.tolist() == [1, 1]


def test_a_deadline_ends_streams(library, two_threads):
    n = np.zeros(2, np.int64)
    at, words, args = r.HEADER + 2 * r.STREAM_WORDS, [], []
    for own in range(2):
        first = at + len(words)
        words += record(library["add"], 1, address(n[own:]), 1) + record(r.JUMP, first)
        args += [first, at + len(words), 1]
    call = Call(record(r.STREAMS, 2, *args) + words, 0, threads=2, streams=2, keep=(library, n))
    call.status[r.DEADLINE] = time.monotonic_ns() + 20_000_000
    assert call.run() == r.LATE and (n > 0).all()


def test_the_first_stream_that_fails_tells_the_error_and_the_others_run_to_their_ends(
    library, two_threads
):
    n = np.zeros(1, np.int64)
    status = np.zeros(1, np.int64)
    add = record(library["add"], 1, address(n), 1)
    size = len(record(r.STREAMS, 3, *[0] * 9))
    call = Call(
        np.zeros(size + 3 * 2 * len(add)), 0, threads=2, streams=3, keep=(library, n, status)
    )
    words = call.status.ctypes.data

    def fail(stream, code):
        return record(library["fail"], 1, words + 8 * r.STATUS_WORDS * stream, code)

    table = streams([add, add], [fail(2, 7), add], [fail(3, 9), add])
    call.table[:] = table
    for _ in range(20):
        n[0] = 0
        assert call.run() == 7 and n[0] == 2
        assert call.status[r.STOPPED_AT] == table.index(library["fail"])


def test_streams_of_a_thread_that_works_alone_run_one_after_another(library, two_threads):
    n = np.zeros(1, np.int64)
    add = record(library["add"], 1, address(n), 1)
    call = Call(streams([add] * 9, [add] * 9), 0, threads=2, streams=2, keep=(library, n))

    def alone():
        pool().work_alone()
        call.run()

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert n[0] == 18


def test_the_timed_run_is_compiled_when_it_is_asked_for(monkeypatch):
    compiled = []
    entry = r._entry
    monkeypatch.setattr(r, "_entry", lambda timed: compiled.append(timed) or entry(timed))
    call = Call([], 0, threads=1)
    assert compiled == [False] and call.run() == 0
    run, _ = call.timed()
    assert compiled == [False, True] and run() == 0
