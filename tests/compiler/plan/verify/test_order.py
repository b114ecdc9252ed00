"""Memory that is read holds what was written there last: faults in traces of launches are found."""

import pytest

from penstock._src.compiler.plan.buffers import LINE, Buffer
from penstock._src.compiler.plan.verify import order
from penstock._src.compiler.plan.verify.order import MemoryTrace, verify_order
from penstock._src.core.errors import InternalError

ARENA = 8 * LINE


def arena(name, line, lines=1):
    return Buffer(name, lines * LINE, offset=line * LINE)


def verified(*events, arena_bytes=ARENA):
    """Verifies a trace of (reads, writes)."""
    trace = MemoryTrace()
    for i, (reads, writes) in enumerate(events):
        trace.add(f"kernel {i}", reads, writes)
    verify_order(trace, arena_bytes, None)


def test_what_was_written_may_be_read():
    a, b = arena("a", 0), arena("b", 1, 2)
    verified(([], [a]), ([a], [b]), ([a, b], []))


def test_memory_that_was_never_written_is_not_read():
    with pytest.raises(
        InternalError, match="kernel 0: a is read, but its memory was never written"
    ):
        verified(([arena("a", 3)], []))


def test_memory_that_another_buffer_took_is_not_read():
    a, b = arena("a", 0, 2), arena("b", 1)
    with pytest.raises(InternalError, match="kernel 2: a is read, but its memory holds b"):
        verified(([], [a]), ([], [b]), ([a], []))


@pytest.mark.parametrize("line", [0, 7])
def test_the_first_and_last_line_of_the_arena_are_watched(line):
    a, b = arena("a", line), arena("b", line)
    with pytest.raises(InternalError, match="holds b"):
        verified(([], [a]), ([], [b]), ([a], []))


def test_a_buffer_ends_with_its_bytes():
    a, b = Buffer("a", LINE + 1), arena("b", 2)
    verified(([], [a]), ([], [b]), ([a, b], []))
    with pytest.raises(InternalError, match="a is read, but its memory holds c"):
        verified(([], [a]), ([], [arena("c", 1)]), ([a], []))


def test_buffers_without_bytes_and_those_outside_are_not_watched():
    outside = [Buffer(place, LINE, place=place) for place in ("input", "variable", "constant", "prepacked")]  # fmt: skip
    verified(([*outside, Buffer("nothing", 0)], []))


def test_results_are_watched():
    first, second = (Buffer(name, LINE, place="output", number=1) for name in ("a", "b"))
    verified(([], [first]), ([first], []))
    with pytest.raises(InternalError, match="a is read, but its memory was never written"):
        verified(([first], []))
    with pytest.raises(InternalError, match="a is read, but its memory holds b"):
        verified(([], [first]), ([], [second]), ([first], []))


def test_parts_lie_in_the_memory_of_the_whole():
    whole = arena("whole", 2, 3)
    part = Buffer("part", LINE, place="inside", inside=whole, offset=LINE)
    other = arena("other", 3)
    verified(([], [part]), ([part], []))
    with pytest.raises(InternalError, match="part is read, but its memory holds other"):
        verified(([], [part]), ([], [other]), ([part], []))


def test_a_kernel_writes_nothing_twice():
    with pytest.raises(InternalError, match="b and a are written to common memory"):
        verified(([], [arena("a", 0, 2), arena("b", 1)]))
    verified(([], [arena("a", 0, 2), arena("b", 2)]))
    again = arena("a", 0)
    verified(([], [again, again]))


def test_what_is_no_kernel_writes_over_nothing_that_it_reads():
    a, b = arena("a", 0, 2), arena("b", 1, 2)
    with pytest.raises(InternalError, match="b is written over a, which is read"):
        verified(([], [a]), ([a], [b]))
    verified(([], [a]), ([a], [arena("b", 2)]))


def test_outputs_are_apart_by_their_numbers():
    a, b = (Buffer("x", LINE, place="output", number=i) for i in (0, 1))
    verified(([], [a, b]))
    with pytest.raises(InternalError, match="common memory"):
        verified(([], [a, Buffer("y", LINE, place="output", number=0)]))


def test_the_second_round_of_a_loop_reads_what_the_first_left():
    a, b = arena("a", 0), arena("b", 0)
    trace = MemoryTrace()
    trace.add("before", [], [a])
    start = len(trace.events)
    trace.add("reads", [a], [])
    trace.add("writes", [], [b])
    verify_order(trace, ARENA, None)  # one round is right
    trace.again(start)
    with pytest.raises(InternalError, match="reads: a is read, but its memory holds b"):
        verify_order(trace, ARENA, None)


def test_loops_within_loops_are_not_gone_through_without_end(monkeypatch):
    monkeypatch.setattr(order, "MOST_EVENTS", 3)
    trace, buffer = MemoryTrace(), arena("a", 0)
    for _ in range(2):
        trace.add("kernel", [], [buffer])
    trace.again(1)
    assert len(trace.events) == 3
    trace.again(0)
    assert len(trace.events) == 3


@pytest.mark.parametrize("place", order.SHARED)
def test_nothing_is_written_to_what_calls_share(place):
    with pytest.raises(
        InternalError, match="shared is written to, though it is not this call's alone"
    ):
        verified(([], [Buffer("shared", LINE, place=place)]))
