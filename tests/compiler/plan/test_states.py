"""States of loops whose elements are replaced one by one: old values are read before their memory has the next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.launchers import functions
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags

F32 = dtypes.float32
ROWS, ROUNDS, STATES = 4, 3, 3


def loop(step):
    """A function of the first states that repeats a step of (builder, round, states)."""
    p = LoweringContext()
    first = [p.parameter(i, (ROWS,), F32) for i in range(STATES)]

    def body(i, *states):
        return [p.add(i, 1), *step(p, i, list(states))]

    results = p.while_(lambda i, *_: p.lt(i, ROUNDS), body, [p.constant(np.int32(0)), *first])[1:]
    return p.function("states", first, results)


def difference(function):
    """The largest difference of the program's results from the interpreter's."""
    random = np.random.default_rng(2)
    arrays = [random.uniform(0.5, 1.5, ROWS).astype(np.float32) for _ in range(STATES)]
    results = build_program(function)(*arrays)
    expected = interpreter.run(function, arrays)[0]
    return max(
        np.abs(r - e).max() / np.abs(e).max() for r, e in zip(results, expected, strict=True)
    )


def replaced(p, x, update, at):
    return p.dynamic_set_index(x, at, update)


def element(p, x, at):
    return p.dynamic_index(x, at)


def written_in_a_chain(p, i, states):
    """The gradient of two writes to a list: the list before both is read after the second."""
    a, b, c = states
    first = replaced(p, a, p.constant(np.float32(0)), p.constant(np.int32(0)))
    second = replaced(p, first, p.constant(np.float32(0)), p.constant(np.int32(1)))
    b = replaced(p, b, element(p, a, p.constant(np.int32(0))) + element(p, b, i), i)
    b = replaced(p, b, element(p, first, p.constant(np.int32(1))) + element(p, b, i), i)
    return [replaced(p, second, p.constant(np.float32(0)), p.cast(element(p, c, i), dtypes.int32)), b, c]  # fmt: skip


def another_array_with_an_element(p, i, states):
    """The next state is another array, but for an element that the old one decides."""
    a, b, c = states
    return [replaced(p, c, element(p, a, i) * 2.0, i), b, c]


def exchanged(p, i, states):
    """Each of two states becomes the other one, with an element replaced."""
    a, b, c = states
    return [replaced(p, b, element(p, a, i), i), replaced(p, a, element(p, b, i), i), c]


@pytest.mark.parametrize(
    "step", [written_in_a_chain, another_array_with_an_element, exchanged], ids=lambda f: f.__name__
)
def test_old_states_are_read_in_time(step):
    assert difference(loop(step)) < 1e-6


def test_verifier_refuses_a_state_that_is_overwritten_early(monkeypatch):
    monkeypatch.setattr(functions, "_is_free", lambda *_: True)
    with flags.override(verify=True), pytest.raises(InternalError, match="before the kernel reads"):
        build_program(loop(written_in_a_chain))


@st.composite
def steps(draw):
    """A step of random updates and reads: values are named by number, the first three are the states."""
    at = st.sampled_from(["i", 0, 1, ROWS - 1])
    updates, count = [], STATES
    for _ in range(draw(st.integers(1, 6))):
        base, source = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        updates.append((base, source, draw(at), draw(at), draw(st.booleans())))
        count += 1
    return updates, draw(st.lists(st.integers(0, count - 1), min_size=STATES, max_size=STATES))


@settings(max_examples=120, deadline=None)
@given(steps())
def test_random_updates_of_states(drawn):
    updates, results = drawn

    def step(p, i, values):
        place = {"i": i, **{k: p.constant(np.int32(k)) for k in (0, 1, ROWS - 1)}}
        for base, source, read, write, whole in updates:
            value = element(p, values[source], place[read]) * 0.5
            if whole:
                values.append(values[base] * 0.9 + value)
            else:
                values.append(replaced(p, values[base], value, place[write]))
        return [values[k] for k in results]

    assert difference(loop(step)) < 1e-5
