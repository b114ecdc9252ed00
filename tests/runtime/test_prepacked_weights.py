"""Packed weights that are kept between calls: the same results, and made again whenever a variable changes."""

import gc
import weakref

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.plan.prepacked import LEAST_BYTES
from penstock._src.runtime import program, sized

pytestmark = pytest.mark.usefixtures("new_objects_only")

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def dense(x, w):
    return tf.matmul(x, w)


def transposed(x, w):
    return tf.matmul(x, w, transpose_b=True)


def convolution(x, w):
    return tf.nn.conv2d(x, w, 1, "SAME")


def strided(x, w):
    return tf.nn.conv2d(x, w, 2, "SAME")


CASES = [
    (dense, (130, 200), (200, 150)),
    (dense, (130, 900), (900, 72)),  # several blocks of the depth
    (transposed, (140, 96), (500, 96)),
    (convolution, (4, 8, 8, 32), (3, 3, 32, 32)),  # Winograd's
    (convolution, (4, 9, 9, 40), (3, 3, 40, 36)),
    (strided, (3, 9, 9, 64), (3, 3, 64, 100)),
]


@pytest.fixture
def programs(monkeypatch):
    """The programs made during a test."""
    made = []
    for kind in (program.Program, sized.SizedProgram):

        def init(self, *args, plain=kind.__init__):
            plain(self, *args)
            made.append(self)

        monkeypatch.setattr(kind, "__init__", init)
    return made


def kept(programs):
    return [k for p in programs for k in p.plan.prepacked]


@pytest.mark.parametrize(("compute", "image", "weights"), CASES)
def test_results_follow_every_change_of_the_variable(compute, image, weights, programs):
    x, w = tf.constant(normal(*image)), tf.Variable(normal(*weights))
    infer = tf.function(lambda x: compute(x, w))

    @tf.function
    def train(x):
        w.assign_sub(1e-3 * compute(x, w)[..., :1, :1] + 0.01 * w)

    def same():
        want = compute(x, w)  # eager
        np.testing.assert_allclose(infer(x), want, rtol=5e-4, atol=5e-4)
        np.testing.assert_array_equal(infer(x), infer(x))

    same()
    assert len(kept(programs)) >= 1
    w.assign(normal(*weights))
    same()
    for _ in range(2):
        train(x) if compute is dense else w.assign(w * 0.5)
        same()
    w.assign_add(tf.ones_like(w))
    same()


def test_an_update_in_place_is_seen_though_the_array_is_the_same():
    x, w = tf.constant(normal(130, 200)), tf.Variable(normal(200, 150))
    infer = tf.function(lambda x: tf.matmul(x, w))
    halve = tf.function(lambda: w.assign(0.5 * w))
    halve()
    before, array = infer(x).numpy(), id(w.handle._value.value)
    halve()
    assert id(w.handle._value.value) == array
    np.testing.assert_allclose(infer(x), 0.5 * before, rtol=1e-5, atol=3e-5)


def test_programs_of_other_batches_share_what_is_kept(programs):
    w = tf.Variable(normal(200, 150))
    infer = tf.function(lambda x: tf.matmul(x, w), input_signature=[tf.TensorSpec([None, 200])])
    for batch in (128, 7, 60):
        x = normal(batch, 200)
        np.testing.assert_allclose(infer(x), x @ w.numpy(), rtol=1e-5, atol=3e-5)
    assert len({k.key for k in kept(programs)}) == 1


def test_programs_of_few_rows_share_what_is_kept(programs):
    w = tf.Variable(normal(300, 400))
    infer = tf.function(lambda x: tf.matmul(x, w))
    for batch in (5, 6, 7, 12, 16):
        x = normal(batch, 300)
        np.testing.assert_allclose(infer(x), x @ w.numpy(), rtol=1e-4, atol=1e-4)
    w.assign(normal(300, 400))
    for batch in (16, 5):
        x = normal(batch, 300)
        np.testing.assert_allclose(infer(x), x @ w.numpy(), rtol=1e-4, atol=1e-4)
    assert len(kept(programs)) >= 2
    assert len(w.handle._value.derived) <= 2  # of tiles of other widths


def test_large_weights_that_many_rows_meet_are_not_kept_twice(programs):
    w = tf.Variable(normal(600, 500))
    infer = tf.function(lambda x: tf.matmul(x, w))
    x = normal(300, 600)
    np.testing.assert_allclose(infer(x), x @ w.numpy(), rtol=1e-4, atol=1e-3)
    assert not kept(programs)
    x = normal(2, 120, 600)
    np.testing.assert_allclose(infer(x), x @ w.numpy(), rtol=1e-4, atol=1e-3)
    assert len(kept(programs)) == 1


def test_a_program_that_assigns_the_variable_keeps_nothing(programs):
    x, w = tf.constant(normal(130, 200)), tf.Variable(normal(200, 150))

    @tf.function
    def step():
        y = tf.matmul(x, w)
        w.assign_add(tf.ones_like(w))
        return y

    want = x.numpy() @ w.numpy()
    np.testing.assert_allclose(step(), want, rtol=1e-5, atol=3e-5)
    assert not kept(programs)


def test_small_weights_are_not_kept(programs):
    w = tf.Variable(normal(40, 50))
    assert w.numpy().nbytes < LEAST_BYTES
    infer = tf.function(lambda x: tf.matmul(x, w))
    infer(tf.constant(normal(130, 40)))
    assert not kept(programs)


def kept_by_a_call():
    w = tf.Variable(normal(200, 150))
    tf.function(lambda x: tf.matmul(x, w))(tf.constant(normal(130, 200)))
    (derived,) = w.handle._value.derived.values()
    return weakref.ref(derived.memory)


def test_what_is_kept_dies_with_the_variable():
    memory = kept_by_a_call()
    gc.collect()
    assert memory() is None


def test_a_variable_is_packed_once_for_all_that_read_it_alike(programs):
    v, w, x = tf.Variable(normal(200, 150)), tf.Variable(normal(200, 150)), normal(130, 200)
    f = tf.function(lambda x: (tf.matmul(x, v), tf.matmul(x * 2.0, w), tf.matmul(x + 1.0, v)))
    for found, expected in zip(f(x), (x @ v, (x * 2) @ w, (x + 1) @ v), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    (plan,) = [p.plan for p in programs if p.plan.prepacked]
    assert len(plan.prepacked) == 2
    assert len({weights.variable for weights in plan.prepacked}) == 2
    assert [weights.memory.number for weights in plan.prepacked] == [0, 1]
