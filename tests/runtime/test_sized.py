"""Programs for many extents: one plan, one table, the numbers of each call."""

import gc
import sys
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import memory_limit
from penstock._src.runtime import sized
from penstock._src.util import run_observers
from penstock._src.util.flags import override

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def training_step(variables):
    """A step whose weights' gradients are summed over unknown extents."""
    first, second = variables

    @tf.function(input_signature=[tf.TensorSpec([None, None, 8])])
    def step(x):
        with tf.GradientTape() as tape:
            h = tf.nn.softmax(tf.nn.gelu(x @ first) @ second, 1)
            loss = tf.reduce_mean(tf.square(h - x))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)
        return loss, h

    return step


def weights():
    return [tf.Variable(w) for w in (normal(8, 24), normal(24, 8))]


def steps_of(function):
    """The program steps of a function's specializations, and how many plans they have together."""
    (trace,) = function._list_all_concrete_functions()
    block = trace.graph_function.executable.block
    steps = [step for form in block.forms() for step in form.steps]
    forms = {id(s): s for p in block.programs for s in p.specialized.steps}
    return steps, sum(len(form.prepared.plans) for form in forms.values())


def test_one_plan_serves_every_shape():
    start = [normal(8, 24), normal(24, 8)]
    variables, others = ([tf.Variable(w) for w in start] for _ in range(2))
    step = training_step(variables)
    with override(device="reference"):
        reference = training_step(others)
    for rows, length in [(4, 50), (3, 7), (2, 2), (9, 130), (30, 11), (4, 50), (3, 8)]:
        x = normal(rows, length, 8)
        loss, h = step(x)
        with override(device="reference"):
            expected, other = reference(x)
        np.testing.assert_allclose(loss, expected, rtol=2e-5)
        np.testing.assert_allclose(h, other, rtol=2e-4, atol=2e-6)
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert steps_of(step)[1] == 1


def test_bits_do_not_depend_on_the_shapes_before():
    start, x = [normal(8, 24), normal(24, 8)], normal(5, 37, 8)
    found = []
    for shapes in ([], [(2, 3), (40, 90), (5, 36)], [(7, 7)]):
        variables = [tf.Variable(w) for w in start]
        step = training_step(variables)
        for rows, length in shapes:
            step(np.zeros((rows, length, 8), np.float32))
        for variable, w in zip(variables, start, strict=True):
            variable.assign(w)
        step(x)
        found.append([v.numpy().tobytes() for v in variables])
    assert found[0] == found[1] == found[2]


def test_threads_that_call_with_other_shapes_do_not_meet():
    w = tf.Variable(normal(8, 8))
    infer = tf.function(
        lambda x: tf.nn.softmax(x @ w) @ w, input_signature=[tf.TensorSpec([None, 8])]
    )
    inputs = [normal(n, 8) for n in (3, 700, 20, 5000)]
    expected = [infer(x).numpy() for x in inputs]
    wrong = []

    def call(number):
        for _ in range(40):
            if infer(inputs[number]).numpy().tobytes() != expected[number].tobytes():
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(i % 4,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_errors_tell_the_numbers_of_their_call():
    table = tf.Variable(normal(10, 4))
    look_up = tf.function(
        lambda i: tf.gather(table, i) * 2, input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    for rows, columns in ((2, 3), (3, 5), (4, 4)):
        look_up(np.zeros((rows, columns), np.int32))
        indices = np.zeros((rows, columns), np.int32)
        indices[1, 2] = 10
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"indices\[1, ?2\] = 10 is not in \[0, 10\)"
        ):
            look_up(indices)


def test_reports_have_the_numbers_of_their_call():
    step = training_step(weights())
    for rows in (4, 6):
        step(normal(rows, 50, 8))
    text = str(step.explain(normal(6, 50, 8)))
    assert "[6, 50, 24]" in text or "[300, 24]" in text
    steps, _ = steps_of(step)
    for found in steps:
        plan = found.compiled.program.plan
        assert all(
            type(launch.tasks) is int for launch in plan.launches if hasattr(launch, "tasks")
        )
        assert plan.arena_bytes == found.compiled.program.arena_bytes


def test_a_profiled_run_is_of_its_own_extents():
    infer = tf.function(
        lambda x: tf.nn.softmax(tf.matmul(x, x, transpose_b=True)),
        input_signature=[tf.TensorSpec([None, 8])],
    )
    for rows in (4, 90):
        x = normal(rows, 8)
        expected = infer(x).numpy()
        seen = []

        class Observer:
            def program_ran(self, plan, rows, seen=seen):
                seen.extend(r.label for r in plan.launches)

            def host_ran(self, *_):
                pass

        run_observers.RUN_OBSERVERS.append(observer := Observer())
        try:
            np.testing.assert_array_equal(infer(x), expected)
        finally:
            run_observers.RUN_OBSERVERS.remove(observer)
        assert any(f"[{rows}, {rows}]" in label or f"{rows}x{rows}" in label for label in seen)


def test_what_needs_more_memory_than_there_is_is_refused():
    square = tf.function(
        lambda x: tf.reduce_sum(tf.sort(x[:, None] + x[None], 1)),
        input_signature=[tf.TensorSpec([None])],
    )
    square(normal(10))
    count = int((memory_limit.limit() / 4) ** 0.5) + 1000
    with pytest.raises(tf.errors.ResourceExhaustedError, match="sort|temporaries"):
        square(np.zeros(count, np.float32))
    assert np.isfinite(square(normal(20)))


def test_a_call_whose_allocation_fails_names_its_extents(monkeypatch):
    """The limit was not reached when the call was judged, but the system has no memory: `ulimit -v`, other processes."""
    widened = tf.function(
        lambda x: tf.cast(x, tf.int64), input_signature=[tf.TensorSpec([None], tf.int8)]
    )
    widened(np.zeros(3, np.int8))
    monkeypatch.setattr(sized.HOST_ARENAS, "block", _no_memory)
    steps_of(widened)[0][0].compiled.program.shared.free.clear()
    with pytest.raises(tf.errors.ResourceExhaustedError, match=r"OOM when allocating .*\[7\]"):
        widened(np.zeros(7, np.int8))


def _no_memory(size):
    raise tf.errors.ResourceExhaustedError(None, None, f"{size} bytes")


def test_memory_of_a_large_call_is_given_back():
    gelu_sums = tf.function(
        lambda x: tf.reduce_sum(tf.sort(tf.nn.gelu(x[:, None] + x[None]), 1), 1),
        input_signature=[tf.TensorSpec([None])],
    )
    small, large = normal(50), normal(5000)
    first, wide = gelu_sums(small).numpy(), gelu_sums(large).numpy()
    step = steps_of(gelu_sums)[0][0]
    shared = step.compiled.program.shared
    assert shared.free[0].memory.array.size > 4 * 5000 * 5000
    for _ in range(2 + sized.ROOMY_RUNS):
        np.testing.assert_array_equal(gelu_sums(small), first)
    assert shared.free[0].memory.array.size < 4 * 5000 * 5000
    np.testing.assert_array_equal(gelu_sums(large), wide)


def functions_entered(call, *arguments):
    """How many Python functions a call runs."""
    entered = []
    gc.collect()
    gc.disable()  # what it calls is not the call's
    sys.setprofile(lambda frame, event, _: entered.append(frame.f_code) if event == "call" else 0)
    try:
        call(*arguments)
    finally:
        sys.setprofile(None)
        gc.enable()
    return len(entered)


@pytest.mark.own_process  # a call compares more where other tests have held a variable on a device
def test_a_shape_never_seen_takes_few_more_steps_in_python():
    step = training_step(weights())
    inputs = {shape: tf.constant(normal(*shape, 8)) for shape in [(4, 50), (3, 7), (5, 9), (6, 3)]}
    for x in list(inputs.values())[:3]:
        step(x)
    with override(verify=False):  # which plans again
        unseen = functions_entered(step, inputs[6, 3])
        step(inputs[4, 50])
        seen = functions_entered(step, inputs[6, 3])
    assert unseen - seen <= 30  # what the next call is compared with is made once for a shape
