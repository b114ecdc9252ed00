"""Sizing programs of plans: expressions of extents, and places in the arena."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.compiler.plan.buffers import Buffer, StreamTimes, arrange, places, settle_streams
from penstock._src.compiler.plan.sizes import ROUNDS, Admission, SizingProgram
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.guards import Bounds
from penstock._src.ir.extents.values import Values
from tests.harness.conditions import hold

D0, D1 = dims.Dim.symbol("d0"), dims.Dim.symbol("d1")
EXTENTS = [
    7,
    D0,
    3 * D0 * D1 - D0 + 5,
    (D0 + 6) // 7 * 7,
    -(-D0 // 64) * 64,
    (D0 * D1) % 12,
    D0 // D1,
    dims.minimum(D0, D1) * dims.maximum(D0 - D1, 3),
    dims.apply("table", D0 % 5, 3, -4, 9, 9, 0),
    dims.apply("table", D0 - 9, 3, -4, 9),
    dims.apply(ROUNDS, D0 * D1, 1000 * D0, 2),
]


def numbers(program, registers, symbols):
    return list(program.finished(registers).facts(np.array(symbols, np.int64).tobytes()))


@given(st.integers(2, 5000), st.integers(2, 5000))
def test_registers_are_what_expressions_are(first, second):
    program = SizingProgram(["d0", "d1"])
    registers = [program.register(extent) for extent in EXTENTS]
    with Values({"d0": first, "d1": second}):
        expected = [dims.number(extent) for extent in EXTENTS]
    assert numbers(program, registers, [first, second]) == expected


def buffers(draw, count):
    """Buffers of unknown sizes, some of them in streams beside one another."""
    found = []
    for i in range(count):
        size = draw(st.sampled_from([100, 4 * D0, 64 * D1, 4 * D0 * D1, D0 - 2, 8 * D0 + 64]))
        first = draw(st.integers(0, 20))
        buffer = Buffer(f"b{i}", size)
        buffer.touch(first)
        buffer.touch(first + draw(st.integers(0, 6)))
        found.append(buffer)
    settle_streams(found, [StreamTimes(((3, 6), (7, 11)))])
    return found


@settings(max_examples=60)
@given(st.data())
def test_buffers_that_are_alive_together_lie_apart_for_any_extents(data):
    some = st.integers(2, 3000)
    found = buffers(data.draw, 25)
    with Values({"d0": data.draw(some), "d1": data.draw(some)}):
        total = arrange(found)
        offsets = [buffer.offset for buffer in found]
    placed = places(found)
    program = SizingProgram(["d0", "d1"])
    with Values({"d0": 2, "d1": 2}) as at_hand:
        arena = program.arrange(placed)
    registers = [arena, *[program.offsets[buffer] for buffer in found]]
    extents = data.draw(some), data.draw(some)
    size, *starts = numbers(program, registers, extents)
    at_hand = Values({"d0": extents[0], "d1": extents[1]})
    sizes = [dims.evaluate(b.size, at_hand.symbols) for b in found]
    for i, a in enumerate(found):
        assert 0 <= starts[i] <= starts[i] + sizes[i] <= size
        for k, b in enumerate(found[:i]):
            together = a.first <= b.last and b.first <= a.last
            beside = a.stream[0] and a.stream[0] == b.stream[0] and a.stream[1] != b.stream[1]
            if together or beside:
                assert starts[i] + sizes[i] <= starts[k] or starts[k] + sizes[k] <= starts[i]
    assert total >= max(offsets)


def test_places_are_those_found_for_the_call_at_hand():
    found = [Buffer(f"b{i}", size) for i, size in enumerate([64 * D0, 128 * D0, 64, 256])]
    for buffer, times in zip(found, [(0, 2), (1, 3), (2, 5), (4, 6)], strict=True):
        for time in times:
            buffer.touch(time)
    with Values({"d0": 10}):
        total = arrange(found)
        program = SizingProgram(["d0"])
        arena = program.arrange(places(found))
    registers = [arena, *[program.offsets[buffer] for buffer in found]]
    assert numbers(program, registers, [10]) == [total, *[buffer.offset for buffer in found]]


@given(st.data())
def test_conditions_are_told_as_by_python(data):
    number = st.integers(-50, 50)
    ends = st.one_of(st.none(), number, st.just(1 << 70), st.just(-(1 << 70)))
    conditions = {
        dims.expression(extent): Bounds(
            data.draw(ends), data.draw(ends), data.draw(st.sets(number, max_size=2))
        )
        for extent in data.draw(st.lists(st.sampled_from(EXTENTS[1:]), max_size=3))
    }
    extents = Values({"d0": data.draw(st.integers(2, 30)), "d1": data.draw(st.integers(2, 30))})
    admission = Admission(["d0", "d1"], conditions)
    assert admission.admits(extents) == hold(conditions, extents)


def test_extents_beyond_64_bits_are_not_admitted():
    admission = Admission(["d0"], {})
    assert admission.admits(Values({"d0": 5}))
    assert not admission.admits(Values({"d0": 1 << 63}))
