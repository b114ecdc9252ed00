"""Where tensors are and operations run, while PENSTOCK_DEVICE names GPUs."""

import copy
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import CPU, GPU, GPU_DEVICE, copies

pytestmark = pytest.mark.skipif(
    GPU_DEVICE != "GPU_emulated", reason="counts the emulated driver's calls"
)


@pytest.fixture(autouse=True)
def settings():
    """Placement as programs begin with it."""
    yield
    tf.config.set_soft_device_placement(True)
    tf.debugging.set_log_device_placement(False)


def test_results_of_operations_stay_there_until_they_are_read(gpu):
    x = tf.constant([1.0, 2.0, 3.0])
    y = x * 2.0
    z = tf.reduce_sum(tf.exp(y) + y)
    assert (x.device, y.device, z.device) == (GPU, GPU, GPU)
    assert y.shape == [3] and z.dtype == tf.float32
    assert copies(gpu)[1] == 0
    np.testing.assert_allclose(z.numpy(), np.sum(np.exp([2, 4, 6]) + [2, 4, 6]), rtol=1e-6)
    before = copies(gpu)[1]
    np.testing.assert_array_equal(y, [2, 4, 6])
    assert y.numpy()[0] == 2 and float(y[1]) == 4 and "6." in repr(y)
    assert copies(gpu)[1] == before + 2  # y once, y[1] once


def test_arguments_and_results_of_functions_are_not_copied(gpu):
    step = tf.function(lambda x: tf.tanh(x) @ x)
    x = tf.constant(np.eye(8, dtype=np.float32)) * 0.5
    first = step(x)
    up, down = copies(gpu)
    y = x
    for _ in range(4):
        y = step(y)
    assert copies(gpu) == (up, down) and y.device == GPU
    assert gpu["cuMemcpyDtoDAsync_v2"] == 0
    np.testing.assert_allclose(first[0, 0], 0.5 * np.tanh(0.5), rtol=1e-6)


def test_steps_over_arrays_of_the_gpu_become_graphs(gpu):
    step = tf.function(lambda x: tf.nn.softmax(x) + 1.0)
    x = tf.constant(np.ones((3, 4), np.float32)) * 2.0
    for _ in range(6):
        y = step(x)
    assert gpu["cuGraphLaunch"] >= 3
    np.testing.assert_allclose(y, np.full((3, 4), 1.25))


def test_device_scopes_place_operations_and_copies(gpu):
    with tf.device("/CPU:0"):
        x = tf.constant([1.0, 2.0])
        y = x + 1.0
    assert (x.device, y.device) == (CPU, CPU) and copies(gpu) == (0, 0)
    there = tf.identity(y)
    assert there.device == GPU
    with tf.device("/CPU:0"):
        back = tf.identity(there)
    with tf.device("GPU:0"):
        again = y * 1.0
    assert back.device == CPU and again.device == GPU
    np.testing.assert_array_equal(back, [2, 3])


def test_integers_for_shapes_strings_and_other_objects_are_on_the_cpu(gpu):
    assert tf.constant([1, 2]).device == CPU and tf.constant([1, 2], tf.int64).device == GPU
    assert tf.strings.as_string(tf.constant(1.5)).device == CPU
    x = tf.zeros([2, 3])
    assert tf.reshape(x, tf.shape(x)[::-1]).shape == [3, 2] and copies(gpu)[1] == 0


def test_parts_of_a_function_run_on_the_cpu(gpu):
    @tf.function
    def mixed(x):
        a = x * 2.0
        with tf.device("/CPU:0"):
            b = tf.reduce_sum(a) + 1.0
        with tf.device("/GPU:0"):
            return a * b

    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(mixed(x), [14, 28])
    devices = [type(p.compiled.program).__name__ for p in programs(mixed, x)]
    assert devices == ["CudaProgram", "Program", "CudaProgram"]


def programs(function, *arguments):
    """The programs of a function."""
    return function.get_concrete_function(*arguments)._function.executable.programs()


def test_a_function_called_for_the_cpu_runs_there(gpu):
    double = tf.function(lambda x: x * 2.0)
    with tf.device("/CPU:0"):
        x = tf.constant([1.0, 2.0])
        y = double(x)
    assert y.device == CPU and gpu["cuLaunchKernel"] == 0
    assert double(x).device == GPU and gpu["cuLaunchKernel"] == 1


def test_variables_live_where_they_are_made(gpu):
    v = tf.Variable([1.0, 2.0])
    with tf.device("/CPU:0"):
        w = tf.Variable([1.0, 2.0])
    assert (v.device, w.device) == (GPU, CPU)
    v.assign_add([1.0, 1.0])
    read = v.read_value()
    v.assign_add(v)
    assert read.device == GPU and copies(gpu)[1] == 0
    np.testing.assert_array_equal(read, [2, 3])
    np.testing.assert_array_equal(v, [4, 6])
    w.assign_add([1.0, 1.0])
    assert tf.function(lambda: w + v)().device == GPU
    np.testing.assert_array_equal(w + v, [6, 9])


def test_gradients_and_updates_stay_there(gpu):
    w = tf.Variable(np.ones((4, 2), np.float32))
    x = tf.constant(np.arange(8, dtype=np.float32).reshape(2, 4))
    losses = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x @ w - 1.0))
        w.assign_sub(0.01 * tape.gradient(loss, w))
        losses.append(loss)
    assert copies(gpu)[1] == 0
    assert all(a > b for a, b in zip(losses, losses[1:], strict=False))
    assert losses[0].device == GPU


def test_rows_that_values_tell_are_found_there(gpu):
    x = tf.constant([3.0, -1.0, 3.0, -5.0, 2.0])
    y = x * 1.0
    found, places = tf.where(y > 0), tf.where(tf.reshape(y[:4], [2, 2]) < 0)
    (values, index), counts = tf.unique(y), tf.unique_with_counts(y).count
    rest = tf.raw_ops.ListDiff(x=y, y=y[:2])
    assert {t.device for t in (found, places, values, index, counts, *rest)} == {GPU}
    np.testing.assert_array_equal(found, [[0], [2], [4]])
    np.testing.assert_array_equal(places, [[0, 1], [1, 1]])
    np.testing.assert_array_equal(values, [3, -1, -5, 2])
    np.testing.assert_array_equal(index, [0, 1, 0, 2, 3])
    np.testing.assert_array_equal(counts, [2, 1, 1, 1])
    np.testing.assert_array_equal(rest.out, [-5, 2])
    np.testing.assert_array_equal(rest.idx, [3, 4])
    assert tf.where(y > 9).shape == [0, 1] and tf.where(y[:0] > 0).shape == [0, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="1D vector"):
        tf.unique(tf.reshape(y, [5, 1]))


def test_data_dependent_shapes_and_control_flow(gpu):
    x = tf.constant([3.0, -1.0, 2.0, -5.0])
    np.testing.assert_array_equal(tf.boolean_mask(x, x > 0), [3, 2])
    np.testing.assert_array_equal(tf.function(lambda x: tf.where(x > 0))(x), [[0], [2]])
    total = tf.constant(0.0)
    while total < 5.0:
        total += tf.reduce_max(x)
    assert float(total) == 6


def test_functions_of_datasets_run_on_the_cpu(gpu):
    x = tf.constant([1.0, 2.0, 3.0]) + 0.0
    gpu.clear()
    data = tf.data.Dataset.from_tensor_slices(np.arange(3, dtype=np.float32))
    found = [float(e) for e in data.map(lambda e: tf.exp(e) + x[0])]
    np.testing.assert_allclose(found, np.exp([0, 1, 2]) + 1, rtol=1e-6)
    assert gpu["cuLaunchKernel"] <= 1  # the slice of x


def test_hard_placement_refuses_what_the_device_lacks(gpu):
    tf.config.set_soft_device_placement(False)
    listed = rf"All available devices \[{CPU}, {GPU}\]"
    with tf.device("/GPU:7"), pytest.raises(tf.errors.InvalidArgumentError, match=listed):
        tf.add(1.0, 2.0)
    with tf.device("/GPU:0"):
        with pytest.raises(
            tf.errors.InvalidArgumentError,
            match=rf"Could not satisfy device specification '{GPU}'. enable_soft_placement=0. "
            r"Supported device types \[CPU\].*\[Op:AsString\]",
        ):
            tf.strings.as_string([1, 2])

        @tf.function
        def text(x):
            with tf.device("/GPU:0"):
                return tf.strings.as_string(x)

        with pytest.raises(tf.errors.InvalidArgumentError, match="no supported kernel for GPU"):
            text(tf.constant(1.0))
    tf.config.set_soft_device_placement(True)
    with tf.device("/GPU:7"):
        assert tf.add(1.0, 2.0).device == GPU
    assert text(tf.constant(1.0)).device == CPU


def test_placement_is_logged(gpu, capsys):
    tf.debugging.set_log_device_placement(True)
    x = tf.constant(1.0) + 1.0
    with tf.device("/CPU:0"):
        tf.exp(x)
    logged = capsys.readouterr().err
    assert f"Executing op AddV2 in device {GPU}" in logged
    assert f"Executing op Exp in device {CPU}" in logged


def test_errors_of_operations_are_those_of_the_cpu(gpu):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[Op:AddV2\]"):
        tf.zeros([2]) + tf.zeros([3])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[0\] = 7 is not in \[0, 2\)"
    ):
        tf.gather(tf.zeros([2]), tf.constant([7], tf.int64))


def test_checked_tensors_stay_there_and_bad_ones_are_told_at_once(gpu):
    x = tf.constant([1.0, 2.0]) * 2.0
    assert tf.debugging.check_numerics(x, "bad").device == GPU
    assert copies(gpu)[1] == 1  # whether the check has failed
    with pytest.raises(tf.errors.InvalidArgumentError, match="bad : Tensor had Inf values"):
        tf.debugging.check_numerics(x / 0.0, "bad")


def test_of_an_assertion_that_holds_only_the_condition_is_read(gpu):
    x = tf.constant([1.0, 2.0]) * 2.0
    tf.raw_ops.Assert(condition=tf.reduce_all(x > 0), data=[x])
    assert copies(gpu)[1] == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[2 4\]"):
        tf.raw_ops.Assert(condition=tf.reduce_all(x < 0), data=[x])
    tf.config.set_soft_device_placement(False)
    with tf.device(GPU):
        tf.raw_ops.Assert(condition=tf.reduce_all(x > 0), data=[x])


def test_complex_numbers_are_computed_there(gpu):
    x = tf.complex(*(tf.random.stateless_normal([3, 8], [i, 7]) for i in range(2)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.abs(tf.signal.fft(x) @ tf.transpose(x, conjugate=True))
        total = tf.reduce_sum(y)
    slope = tape.gradient(total, x)
    assert {t.device for t in (x, y, total, slope)} == {GPU} and copies(gpu)[1] == 0
    wanted = np.abs(np.fft.fft(x.numpy()) @ x.numpy().conj().T)
    np.testing.assert_allclose(y, wanted, rtol=1e-5)
    moved = x + 1e-3 * slope
    grown = tf.reduce_sum(tf.abs(tf.signal.fft(moved) @ tf.transpose(moved, conjugate=True)))
    np.testing.assert_allclose(grown - total, 1e-3 * tf.reduce_sum(tf.abs(slope) ** 2), rtol=0.01)


def test_a_condition_that_is_an_argument_is_looked_at(gpu):
    check = tf.function(lambda c, x: (tf.debugging.Assert(c, [x]), x + 1.0)[1])
    assert float(check(tf.constant(True), 1.0)) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
        check(tf.constant(False), 1.0)
    assert float(check(tf.constant(True), 2.0)) == 3


def test_results_are_checked_against_the_interpreter(gpu):
    with override(check=1):
        double = tf.function(lambda x: tf.tanh(x) * 2.0)
        np.testing.assert_allclose(double(tf.constant([1.0])), [2 * np.tanh(1)], rtol=1e-6)


def test_copies_and_threads(gpu):
    x = tf.constant([1.0, 2.0]) * 2.0
    assert copy.deepcopy(x).device == GPU and x.gpu().device == GPU and x.cpu().device == CPU
    with pytest.raises(RuntimeError, match="GPU:3 unknown device"):
        x.gpu(3)
    v = tf.Variable([0.0, 0.0])
    add = tf.function(lambda a: v.assign_add(a))
    failures = []

    def work(k):
        try:
            for i in range(10):
                add(tf.ones([2]))
                assert float((x * float(k) + float(i))[1]) == 4 * k + i
        except BaseException as error:  # told by the test
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    np.testing.assert_array_equal(v, [30, 30])


def test_another_batch_size_compiles_no_kernels(gpu):
    tf.tanh(tf.ones([5, 7]) * 0.5)
    before = gpu["cuModuleLoadData"]
    np.testing.assert_allclose(
        tf.tanh(tf.ones([9, 7]) * 0.5), np.full((9, 7), np.tanh(0.5)), rtol=1e-6
    )
    assert gpu["cuModuleLoadData"] == before
