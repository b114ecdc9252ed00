"""PENSTOCK_CHECKED: accesses outside of buffers are found, do no harm, and are named."""

import dataclasses

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.compiler.plan import builder
from penstock._src.devices.cpu.device import checked_host
from penstock._src.native import Code, Module, host, kernels, pool
from penstock._src.native.language.types import F32, I32, PTR, vec
from penstock._src.native.process import bounds
from penstock._src.runtime import weight_packer
from penstock._src.util import flags

INSIDE, OUTSIDE = 16, 40  # elements of the buffer, and of the memory that it lies in


def run(body):
    """Runs a checked kernel on the first elements of an array; returns the array, and what was noted."""
    module = Module(checked_host())
    with module.task("task") as f:
        body(f, f.load(f.ctx, 0, PTR))
    library = kernels()[Code.of(module)]
    memory = np.arange(OUTSIDE, dtype=np.float32)
    context, status = np.array([memory.ctypes.data], np.int64), np.zeros(16, np.int64)
    listed = np.array(
        sorted([(memory.ctypes.data, INSIDE * 4), (context.ctypes.data, context.nbytes)]), np.int64
    )
    words = bounds.bounds_words(pool().library)
    words[bounds.FAULTS] = 0
    words[bounds.STATUS], words[bounds.TABLE] = status.ctypes.data, listed.ctypes.data
    words[bounds.COUNT] = len(listed)
    try:
        pool().run(library["task"], context.ctypes.data, 1)
        noted = words.copy()
    finally:
        words[bounds.COUNT] = 0
    assert bool(noted[bounds.FAULTS]) == (status[0] == bounds.OUT_OF_BOUNDS)
    return memory, noted


def test_accesses_inside_are_as_ever():
    def double(f, x):
        f.loop(0, INSIDE, 8, lambda i: f.store(f.load(x, i, vec(F32, 8)) * 2.0, x, i))

    memory, noted = run(double)
    assert not noted[bounds.FAULTS]
    np.testing.assert_array_equal(memory[:INSIDE], 2 * np.arange(INSIDE))


@pytest.mark.parametrize("at", [-1, INSIDE - 7, INSIDE, OUTSIDE - 8])
def test_a_store_outside_is_noted_and_does_no_harm(at):
    memory, noted = run(lambda f, x: f.store(f.splat(7.0, 8, F32), f.at(x, at, F32)))
    assert noted[bounds.FAULTS] == 1 and noted[bounds.WHAT] == 1
    assert noted[bounds.ADDRESS] - noted[bounds.LOW] == 4 * at and noted[bounds.BYTES] == 32
    np.testing.assert_array_equal(memory, np.arange(OUTSIDE))


def test_only_lanes_of_the_mask_count():
    def masked(first):
        def body(f, x):
            mask = f.load(x, 0, vec(F32, 8)) < float(first)
            f.store(f.splat(7.0, 8, F32), x, INSIDE - 4, mask)

        return body

    memory, noted = run(masked(4))
    assert not noted[bounds.FAULTS] and (memory[INSIDE - 4 : INSIDE] == 7).all()
    memory, noted = run(masked(5))
    assert noted[bounds.FAULTS] == 1 and memory[INSIDE] == INSIDE


def test_gathered_elements_are_checked_one_by_one():
    def body(f, x):
        places = f.emit(
            vec(I32, 4), f"add {vec(I32, 4)} <i32 0, i32 3, i32 {INSIDE}, i32 -1>, zeroinitializer"
        )
        f.store(f.gather(x, places, vec(F32, 4)), x, 0)

    memory, noted = run(body)
    assert noted[bounds.FAULTS] == 2
    np.testing.assert_array_equal(memory[:4], [0, 3, 0, 0])


def test_a_pointer_that_another_function_gets_is_bounded_by_its_buffer():
    def body(f, x):
        with f.module.fn("inner", internal=True, p=PTR) as g:
            g.store(g.splat(1.0, 8, F32), g.p, 8)
        f.call("inner", f.at(x, 4, F32))

    memory, noted = run(body)
    assert noted[bounds.FAULTS] == 1
    assert noted[bounds.ADDRESS] - noted[bounds.LOW] == 4 * 12
    np.testing.assert_array_equal(memory, np.arange(OUTSIDE))


def test_code_for_checked_runs_is_another():
    plain, checked = host(), checked_host()
    assert plain.identity != checked.identity
    assert dataclasses.replace(checked, checked=False) == plain


def test_a_wrong_kernel_is_named_with_its_line(monkeypatch):
    # a planner that gives temporaries half of their memory
    sums = tf.function(lambda x: tf.cumsum(tf.sin(x) + 1.0))
    with flags.override(checked=1):
        monkeypatch.setattr(builder, "bytes_of", lambda node: bytes_of(node) // 2)
        with pytest.raises(tf.errors.InternalError) as refusal:
            sums(tf.ones([5, 300]))
    assert "kernel 'nest" in refusal.value.message and "bytes at byte" in refusal.value.message
    assert "test_checked_run.py" in refusal.value.message


@pytest.mark.parametrize("lost", ["reads", "stores"])
def test_packing_of_weights_is_checked(monkeypatch, lost):
    x, w = tf.ones([130, 200]), tf.Variable(tf.ones([200, 150]))
    product = tf.function(lambda x: tf.matmul(x, w))
    plain = weight_packer.WeightPacker.of
    if lost == "reads":  # a variable that is shorter than the plan says

        def of(self, handle, array, watching):
            return plain(self, handle, array[:100], watching)
    else:

        def of(self, handle, array, watching):
            return plain(dataclasses.replace(self, bytes=self.bytes // 2), handle, array, watching)

    monkeypatch.setattr(weight_packer.WeightPacker, "of", of)
    with flags.override(checked=1):
        name = {"reads": "loads .* the variable", "stores": "stores .* the packed weights"}[lost]
        with pytest.raises(tf.errors.InternalError, match=f"Packing weights {name}"):
            product(x)
        monkeypatch.undo()
        assert (product(x).numpy() == 200).all()


def test_programs_run_as_ever():
    def step(x, w):
        with tf.GradientTape() as tape:
            tape.watch(w)
            y = tf.nn.softmax(tf.nn.relu(tf.gather(x, [2, 0]) @ w))
            loss = tf.reduce_sum(tf.sort(y) * tf.cumsum(y, axis=1))
        return loss, tape.gradient(loss, w)

    x, w = (
        np.random.default_rng(i).normal(size=s).astype(np.float32)
        for i, s in enumerate([(3, 21), (21, 10)])
    )
    expected = step(tf.constant(x), tf.constant(w))
    with flags.override(checked=1):
        got = tf.function(step)(x, w)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_tiles_that_begin_outside_of_an_image_do_not_point_there():
    x, w = tf.ones([2, 16, 16, 16]), tf.ones([3, 3, 16, 32])
    with flags.override(checked=1):
        y = tf.function(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"))(x, w)
    np.testing.assert_allclose(y[0, :2, :2, 0], [[64, 96], [96, 144]], rtol=1e-5)


def test_offsets_may_lead_back_into_the_buffer():
    def body(f, x):
        places = f.emit(
            vec(I32, 4), f"add {vec(I32, 4)} <i32 -99, i32 -98, i32 -97, i32 -96>, zeroinitializer"
        )
        f.store(f.gather(f.at_any(x, 100, F32), places, vec(F32, 4)), x, 0)

    memory, noted = run(body)
    assert not noted[bounds.FAULTS]
    np.testing.assert_array_equal(memory[:4], [1, 2, 3, 4])
