"""Temporaries that are written over inputs which nobody reads any more."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags

F32 = dtypes.float32


def normalized(p, x, w):
    """A product whose columns are scaled by their largest: the second use of h is its last."""
    h = p.matmul(x, w)
    scaled = h / p.reduce_max(h, (0,), keepdims=True)
    return [p.matmul(p.exp(scaled), p.transpose(w, (1, 0)))]


def residual(p, x, w):
    """A product's epilogue reads an array of its own layout for the last time."""
    h = p.maximum(p.matmul(x, w), 0.0)
    y = p.matmul(p.matmul(h, p.transpose(w, (1, 0))), w) + h
    return [p.reduce_sum(p.square(y), (0,)), p.matmul(y, p.transpose(w, (1, 0)))]


def still_wanted(p, x, w):
    """h is a result, and so must stay as it is."""
    h = p.matmul(x, w)
    y = p.exp(h / p.reduce_max(h, (0,), keepdims=True))
    return [h, p.matmul(y, p.transpose(w, (1, 0)))]


def elsewhere(p, x, w):
    """Every element of h is read where another one is written."""
    h = p.matmul(x, w)
    y = p.exp(p.reverse(h, (0,)) / p.reduce_max(h, (0,), keepdims=True))
    return [p.matmul(y, p.transpose(w, (1, 0)))]


def summed(p, x, w):
    """The sums on the tiles of a product read h in another row than the tile's."""
    h = p.matmul(x, w)
    y = p.matmul(x, p.reverse(w, (0,))) + h
    sums = p.reduce_sum(y * p.reverse(h, (0,)), (0,))
    return [sums, p.matmul(y, p.transpose(w, (1, 0)))]


def build(body, n=33, k=48):
    p = LoweringContext()
    x, w = p.parameter(0, (n, k), F32), p.parameter(1, (k, k), F32)
    function = p.function(body.__name__, [x, w], body(p, x, w))
    r = np.random.default_rng(1)
    arrays = [r.uniform(0.1, 1, shape).astype(np.float32) for shape in ((n, k), (k, k))]
    return function, arrays


@pytest.mark.parametrize(
    "body, count", [(normalized, 1), (residual, 1), (still_wanted, 0), (elsewhere, 0)]
)
@pytest.mark.parametrize("guard", [0, 1])
def test_the_last_reader_writes_in_place(body, count, guard):
    function, arrays = build(body)
    with flags.override(guard=guard):
        program = build_program(function)
        got = program(*arrays)
    large = [b for b in program.plan.buffers if b.place == "inside" and b.size == 33 * 48 * 4]
    assert len(large) == count
    for g, w in zip(got, interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=5e-6)


@pytest.mark.parametrize("guard", [0, 1])
def test_sums_on_tiles_read_what_their_product_does_not_overwrite(guard):
    function, arrays = build(summed, 1024, 48)
    with flags.override(guard=guard):
        got = build_program(function)(*arrays)
    for g, w in zip(got, interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-4)


@pytest.mark.parametrize("least", [1.0, -1.0])
def test_nothing_is_stored_over_the_condition_of_a_check(least):
    p = LoweringContext()
    x = p.parameter(0, (2,), F32)
    holds = p.reduce(p.gt(x, 0.0), "all")
    p.check(holds, "not positive")
    fails = p.reshape(p.not_(holds), (1,))
    places = p.constant(np.array([[1]], np.int32))
    found = p.scatter(p.full((2,), False, dtypes.bool_), places, fails, "set")
    program = build_program(p.function("checked", [x], [found]))
    argument = np.array([2.0, least], np.float32)
    if least > 0:
        assert program(argument)[0].tolist() == [False, False]
    else:
        with pytest.raises(InvalidArgumentError, match="not positive"):
            program(argument)


class Handle:
    """A variable's handle, as a program takes it."""

    def __init__(self, value):
        self.value, self.version = value, 0


def step(update, n, k, m):
    """A function that gives a variable a new value, in which the product of two parameters has a part."""
    p = LoweringContext()
    x, y = p.parameter(0, (n, k), F32), p.parameter(1, (k, m), F32)
    w = p.parameter(2, (), dtypes.resource, variable=((n, m), F32))
    result = update(p, p.matmul(x, y), p.read_variable(w), w)
    return p.function("step", [x, y, w], [result])


def descent(p, product, w, handle):
    """Each new weight is made of the old one at its place."""
    p.assign_variable(handle, w - product * 0.1)
    return p.reduce_sum(product)


def from_elsewhere(p, product, w, handle):
    """A new weight is made of an old one at another place."""
    p.assign_variable(handle, p.reverse(w, (0,)) - product * 0.1)
    return p.reduce_sum(product)


def old_wanted(p, product, w, handle):
    """The old weights are a result."""
    p.assign_variable(handle, w - product * 0.1)
    return w


def summed_elsewhere(p, product, w, handle):
    """The sums on the product's tiles read the old weights in another row than the tile's."""
    new = w + product
    p.assign_variable(handle, new)
    return p.reduce_sum(new * p.reverse(w, (0,)), (0,))


@pytest.mark.parametrize("guard", [0, 1])
@pytest.mark.parametrize("n, k, m", [(20, 30, 10), (64, 5000, 48), (300, 16, 200), (7, 1, 1)])
@pytest.mark.parametrize("update", [descent, from_elsewhere, old_wanted])
def test_a_product_updates_a_variable(update, n, k, m, guard):
    function = step(update, n, k, m)
    r = np.random.default_rng(2)
    x, y, w = (r.standard_normal(shape).astype(np.float32) for shape in ((n, k), (k, m), (n, m)))
    results, (expected,) = interpreter.run(function, [x, y, w])
    handle = Handle(w.copy())
    with flags.override(guard=guard):
        (got,) = build_program(function)(x, y, handle)
    np.testing.assert_allclose(handle.value, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(got, results[0], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("guard", [0, 1])
def test_a_product_updates_a_variable_that_the_sums_on_its_tiles_read_elsewhere(guard):
    function = step(summed_elsewhere, 1024, 16, 48)
    r = np.random.default_rng(2)
    x, y, w = (r.uniform(0.1, 1, s).astype(np.float32) for s in ((1024, 16), (16, 48), (1024, 48)))
    results, (expected,) = interpreter.run(function, [x, y, w])
    handle = Handle(w.copy())
    with flags.override(guard=guard):
        (got,) = build_program(function)(x, y, handle)
    np.testing.assert_allclose(handle.value, expected, rtol=1e-5)
    np.testing.assert_allclose(got, results[0], rtol=1e-4)


def test_a_product_stores_new_weights_over_the_old_ones():
    def assigned(p, product, w, handle):
        p.assign_variable(handle, w - product * 0.1)
        return p.constant(np.float32(1))

    plan = build_program(step(assigned, 64, 32, 48)).plan
    labels = [launch.label for launch in plan.launches]
    assert not [label for label in labels if label.startswith("nest[3072]")], labels


def test_a_new_value_that_reads_nothing_of_the_old_one_is_stored_over_it():
    p = LoweringContext()
    x = p.parameter(0, (30, 40), F32)
    w = p.parameter(1, (), dtypes.resource, variable=((30, 40), F32))
    p.read_variable(w)
    p.assign_variable(w, p.exp(x))
    program = build_program(p.function("step", [x, w], []))
    assert len(program.plan.launches) == 1
    handle, array = Handle(np.ones((30, 40), np.float32)), np.full((30, 40), 0.5, np.float32)
    program(array, handle)
    np.testing.assert_array_equal(handle.value, np.exp(array))


def temporaries(function, *args):
    """What `explain` says of the memory of a function's temporaries."""
    (line,) = [x for x in function.explain(*args).splitlines() if x.startswith("memory")]
    return line


def test_a_loop_steps_a_variable_where_it_is():
    table = tf.Variable(tf.zeros([1000, 250]))

    @tf.function
    def count(n):
        for i in tf.range(n):
            row = tf.cast(i, tf.float32) + table[i + 1] + tf.ones([250])
            table.scatter_nd_update([[i]], row[None])
        return n

    count(tf.constant(3))
    held = table.numpy()
    count(tf.constant(5))
    assert held[:6, 0].tolist() == [1, 2, 3, 0, 0, 0]  # reads are snapshots
    assert table.numpy()[:6, 7].tolist() == [3, 5, 3, 4, 5, 0]
    assert "kB" in temporaries(count, tf.constant(3))
    # Rounds before the one that fails have changed the variable, as they do in eager code.
    with pytest.raises(InvalidArgumentError, match="1000"):
        count(tf.constant(1001))
    assert table.numpy()[997:, 7].tolist() == [998, 999, 0]


def test_a_loop_leaves_old_values_that_are_read_after_it():
    one, other = tf.Variable(tf.fill([300], 1.0)), tf.Variable(tf.fill([300], 2.0))

    @tf.function
    def grow(n):
        before = one.read_value()
        for _ in tf.range(n):
            one.assign(one + other)
        other.assign(before)
        return before * 10.0

    assert grow(tf.constant(3))[0] == 10
    assert (one.numpy()[9], other.numpy()[9]) == (7, 1)

    @tf.function
    def swap(n):
        for _ in tf.range(n):
            old = one + 0.0
            one.assign(other)
            other.assign(old)

    swap(tf.constant(3))
    assert (one.numpy()[9], other.numpy()[9]) == (1, 7)


def stepped(reads_later):
    """A loop whose state is replaced by a product; `reads_later`: a later kernel of the round reads the old state."""
    p = LoweringContext()
    x, w = p.parameter(0, (16, 48), F32), p.parameter(1, (48, 48), F32)

    def step(i, x, sums):
        new = p.matmul(p.sin(x) / p.reduce_max(x, (0,), keepdims=True), w)
        more = p.matmul(new, w) * x if reads_later else new
        return [p.add(i, 1), new, sums + p.reduce_sum(more, (0, 1))]

    first = [p.constant(np.int32(0)), x, p.full((), 0, F32)]
    return p.function("f", [x, w], p.while_(lambda i, *_: p.lt(i, 4), step, first)[1:])


@pytest.mark.parametrize("reads_later", [False, True])
def test_a_product_replaces_a_state_that_nothing_reads_any_more(reads_later):
    function = stepped(reads_later)
    random = np.random.default_rng(5)
    arrays = [random.uniform(0.1, 1, n.shape).astype(np.float32) for n in function.parameters]
    program = build_program(function)
    copies = [x for x in program.plan.launches if getattr(x, "label", "") == "nest[768] contract"]
    assert len(copies) == int(reads_later)
    for got, want in zip(program(*arrays), interpreter.run(function, arrays)[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
