"""Functions of several streams: which kernels run side by side, and that values stay what they are."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.launchers import streams
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.native import pool
from penstock._src.util import flags
from tests.compiler.fusion.test_random_functions import COLUMNS, ROWS, grow

F32 = dtypes.float32


@pytest.fixture(autouse=True)
def _small_streams_on_two_threads(monkeypatch):
    monkeypatch.setattr(streams, "LEAST", 0)
    monkeypatch.setattr(streams, "GAIN", 100.0)
    before = pool().threads
    pool().resize(2)
    yield
    pool().resize(before)


def on(p, number):
    """What is made from here on was placed on a device; -1: nowhere."""
    device = "" if number < 0 else f"/job:localhost/device:CPU:{number}"
    p.builder.origin = SimpleNamespace(device=device)


def replicas(p, count, x, w, depth=3):
    """The products of replicas, each of its own x."""
    found = []
    for number in range(count):
        on(p, number)
        y = x[number]
        for _ in range(depth):
            y = p.tanh(p.matmul(y, w))
        found.append(y)
    on(p, -1)
    return found


def parameters(p, count):
    return [p.parameter(i, (32, 32), F32) for i in range(count)]


def sections(function):
    return [
        [b - a for a, b in itertools.pairwise(s.bounds)]
        for s in schedule_function(function).sections
    ]


def test_replicas_are_streams_and_their_sum_is_in_none():
    p = LoweringContext()
    *x, w = parameters(p, 4)
    one, two, three = replicas(p, 3, x, w)
    function = p.function("f", [*x, w], [one + two + three])
    assert sections(function) == [[3, 3, 3]]
    kernels = schedule_function(function).kernels
    assert len(kernels) == 10  # no product has the sum in its epilogue


def test_what_follows_a_sum_is_another_section():
    p = LoweringContext()
    *x, w = parameters(p, 3)
    one, two = replicas(p, 2, x, w)
    total = p.matmul(one + two, w)
    assert sections(p.function("f", [*x, w], replicas(p, 2, [total * 2.0, total * 3.0], w))) == [
        [3, 3],
        [3, 3],
    ]


def test_what_both_replicas_read_comes_before_them():
    p = LoweringContext()
    *x, w = parameters(p, 3)
    on(p, 0)
    shared = p.matmul(w, w)  # equal nodes are one, of the first that makes it
    assert sections(p.function("f", [*x, w], replicas(p, 2, x, shared))) == [[3, 3]]


def test_a_pipeline_over_two_devices_has_no_section():
    p = LoweringContext()
    *x, w = parameters(p, 2)
    on(p, 0)
    y = p.tanh(p.matmul(x[0], w))
    on(p, 1)
    assert sections(p.function("f", [*x, w], [p.tanh(p.matmul(y, w))])) == []


def test_devices_of_other_names_and_one_number_are_one_stream():
    p = LoweringContext()
    x, w = parameters(p, 2)
    found = []
    for device in ("/cpu:0", "/device:GPU:0", "/job:worker/task:1/cpu:0", ""):
        p.builder.origin = SimpleNamespace(device=device)
        found.append(p.tanh(p.matmul(x * (2.0 + len(found)), w)))
    assert sections(p.function("f", [x, w], found)) == []


@pytest.mark.parametrize("seed", range(30))
def test_random_streams(seed):
    r = np.random.default_rng(seed)
    p = LoweringContext()
    shapes = [(ROWS, COLUMNS), (ROWS, COLUMNS), (COLUMNS,), (), (COLUMNS, 7), (2, ROWS, COLUMNS)]
    given = [p.parameter(i, s, F32) for i, s in enumerate(shapes)]
    variables = [
        p.parameter(len(shapes) + i, (), dtypes.resource, variable=((COLUMNS, 7), F32))
        for i in range(3)
    ]
    common = [*given, *[p.read_variable(v) for v in variables]]
    own, results = [list(common) for _ in range(2)], []
    for _ in range(3):
        for number, nodes in enumerate(own):
            on(p, number)
            grow(p, r, nodes, 5)
        on(p, -1)
        common += [nodes[-1] for nodes in own]
        grow(p, r, common, 2)
        for nodes in own:
            nodes += common[-2:]
        results += [common[-1], own[0][-3], own[1][-3]]
    for number, variable in enumerate(variables):
        nodes = [*own, common][number]
        like = [n for n in nodes if tuple(map(int, n.shape)) == (COLUMNS, 7)]
        on(p, number if number < 2 else -1)
        p.assign_variable(variable, like[-1] * 0.5)
    function = p.function("random", [*given, *variables], results)
    values = [*shapes, *[(COLUMNS, 7)] * 3]
    arrays = [r.uniform(-1, 1, tuple(map(int, s))).astype(np.float32) for s in values]
    want, updates = interpreter.run(function, arrays)
    for guard in (0, 1):
        handles = [SimpleNamespace(value=a.copy(), version=0) for a in arrays[len(shapes) :]]
        with flags.override(guard=guard):
            got = build_program(function)(*arrays[: len(shapes)], *handles)
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=5e-6, atol=1e-6)
        for handle, w in zip(handles, updates, strict=True):
            np.testing.assert_allclose(handle.value, w, rtol=5e-6, atol=1e-6)


def test_a_sum_of_statistics_is_stored_for_what_goes_on_in_streams():
    """As in a batch norm over all replicas: else the second replica would wait for the first."""
    p = LoweringContext()
    *x, w = parameters(p, 3)
    halves = replicas(p, 2, x, w)
    means = []
    for number, half in enumerate(halves):
        on(p, number)
        means.append(p.reduce_mean(half, [0], True))
    on(p, -1)
    mean = (means[0] + means[1]) * 0.5
    centred = []
    for number, half in enumerate(halves):
        on(p, number)
        centred.append(half - mean)
    function = p.function("f", [*x, w], replicas(p, 2, centred, w))
    assert [len(set(bounds)) for bounds in sections(function)] == [1, 1]


def test_a_stream_without_tasks_counts():
    """Each stream has status words."""
    p = LoweringContext()
    x, w = p.parameter(0, (32, 32), F32), p.parameter(1, (32, 32), F32)
    empty = p.parameter(2, (0, 32), F32)
    on(p, 0)
    some = p.tanh(p.matmul(x, w))
    on(p, 1)
    none = p.tanh(p.matmul(empty, w))
    on(p, -1)
    program = build_program(p.function("f", [x, w, empty], [some, none]))
    assert program.plan.streams == 2
    x = np.ones([32, 32], np.float32)
    assert program(x, x * 0, x[:0])[1].shape == (0, 32)
