"""Programs on the emulated GPU: what is asked of the driver, and what is told of the device."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.devices.gpu.cuda.driver import gpu as gpu_in_use
from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator.device import DEVICE, ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE

pytestmark = pytest.mark.usefixtures("new_objects_only")


@pytest.fixture
def calls():
    """The counts of the driver's calls, from 0 on."""
    counts = DEVICE.gpu.driver.library.calls
    counts.clear()
    return counts


def test_from_the_second_run_on_a_step_is_one_graph(calls):
    step = tf.function(lambda x: tf.nn.softmax(x @ tf.transpose(x)))
    x = tf.constant(np.arange(12, dtype=np.float32).reshape(3, 4))
    with override(device="GPU_emulated"):
        first = step(x).numpy()
        launched = calls["cuLaunchKernel"]
        assert launched >= 2 and not calls["cuGraphLaunch"]
        found = [step(x * float(i + 1)).numpy() for i in range(3)]
    assert calls["cuGraphLaunch"] == 3
    assert calls["cuLaunchKernel"] == 2 * launched  # once at first, once for the graph
    np.testing.assert_array_equal(found[0], first)
    # Denormal numbers stay on a GPU.
    least = np.finfo(np.float32).tiny
    expected = tf.nn.softmax((4 * x) @ tf.transpose(x)).numpy()
    np.testing.assert_allclose(found[1], expected, rtol=1e-5, atol=least)


def test_a_step_with_a_check_is_one_graph_which_ends_there(calls):
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def step(i):
        v.assign(v * 2.0)
        x = tf.gather(v, i)
        v.assign_add([1.0, 1.0, 1.0])
        return x

    with override(device="GPU_emulated"):
        step(tf.constant([0, 1]))
        step(tf.constant([0, 1]))
        assert calls["cuGraphLaunch"] == 1
        np.testing.assert_array_equal(v.numpy(), [7, 11, 15])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 7 is not in"):
            step(tf.constant([0, 7]))
        assert calls["cuGraphLaunch"] == 2
        after = v.numpy()
        np.testing.assert_array_equal(step(tf.constant([2])).numpy(), [2 * after[2]])
    with override(device="CPU"):
        w = tf.Variable([7.0, 11.0, 15.0])
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.function(lambda i: (w.assign(w * 2.0), tf.gather(w, i), w.assign_add([1.0] * 3)))(
                tf.constant([0, 7])
            )
    np.testing.assert_array_equal(after, w.numpy())


def test_variables_stay_on_the_gpu(calls):
    v = tf.Variable(np.zeros(100, np.float32))
    step = tf.function(lambda x: v.assign_add(x * 2.0))
    x = tf.ones(100)
    with override(device="GPU_emulated"):
        step(x)
        before = calls["cuMemcpyHtoDAsync_v2"]
        step(x)
        assert calls["cuMemcpyHtoDAsync_v2"] == before + 1  # x alone
        np.testing.assert_array_equal(v.numpy(), np.full(100, 4.0))
        v.assign(np.full(100, 10, np.float32))
        step(x)
    np.testing.assert_array_equal(v.numpy(), np.full(100, 12.0))


def test_a_slice_of_a_variable_is_assigned_in_place():
    for dtype in (tf.float32, tf.bfloat16, tf.complex64):
        v = tf.Variable(tf.cast(tf.reshape(tf.range(6.0), [3, 2]), dtype))

        @tf.function(autograph=False)
        def step(v=v):
            v[:1].assign(v[:1] + 1)  # the other rows read nothing that a thread writes

        with override(device=GPU_DEVICE):
            step()
            step()
        np.testing.assert_array_equal(tf.cast(v, tf.float32), [[2, 3], [2, 3], [4, 5]])


def test_loops_and_branches_ask_the_gpu():
    def collatz(n):
        steps = tf.constant(0)
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

    with override(device="GPU_emulated"):
        assert int(tf.function(collatz)(tf.constant(27))) == 111


def test_loops_of_a_known_number_of_rounds_are_part_of_the_graph(calls):
    @tf.function
    def loops(x):
        s = x
        for i in tf.range(4):
            for j in tf.range(3):
                s = tf.tanh(s @ x) + tf.cast(i - j, tf.float32)
        return s

    x = tf.constant(np.random.default_rng(0).normal(size=(3, 3)), tf.float32)
    with override(device="CPU"):
        wanted = tf.function(loops.python_function)(x).numpy()
    with override(device="GPU_emulated"):
        for _ in range(3):
            np.testing.assert_allclose(loops(x), wanted, rtol=1e-5)
    assert calls["cuMemcpyDtoHAsync_v2"] == 3  # the results
    assert calls["cuGraphLaunch"] == 2


@pytest.mark.parametrize("first, limit, step", [(0, 5, 2), (3, 3, 1), (7, 2, 1), (-4, 5, 3)])
def test_rounds_are_counted_as_the_gpu_does(calls, first, limit, step):
    @tf.function
    def count(x):
        i = first
        while tf.constant(True) and i < limit:
            x, i = x + tf.cast(i, tf.float32), i + step
        return x, i

    with override(device="GPU_emulated"):
        found = [np.asarray(r) for r in count(tf.constant(0.0))]
    assert found[0] == sum(range(first, limit, step))


def test_an_index_outside_ends_the_run_before_variables_change():
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def step(i):
        x = tf.gather(v, i)
        v.assign(v * 2.0)
        return x

    with override(device="GPU_emulated"):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"indices\[1\] = 7 is not in \[0, 3\)"
        ):
            step(tf.constant([0, 7]))
        np.testing.assert_array_equal(v.numpy(), [1, 2, 3])
        np.testing.assert_array_equal(step(tf.constant([2])).numpy(), [3])
    np.testing.assert_array_equal(v.numpy(), [2, 4, 6])


def test_the_first_of_many_indices_outside_is_told():
    x, indices = tf.zeros([7, 3]), np.ones([1000, 2], np.int64)
    indices[[700, 333], [0, 1]] = 9, -1
    with override(device="GPU_emulated"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[333\] = \[1, ?-1\]"):
            tf.function(lambda i: tf.scatter_nd(i, tf.ones(1000), [7, 3]) + x)(tf.constant(indices))


def linked(capability="8.0"):
    """How often a new GPU of a new process would link for a function."""
    device = CudaDevice("new", lambda: EmulatedLibrary(capability=capability), ir_image)
    device.load(planned(device)).run([np.ones(100, np.float32)])
    return device.gpu.driver.library.calls["cuLinkComplete"]


def planned(device):
    p = Builder()
    x = p.parameter(0, (100,), dtypes.float32)
    function = Function("f", (x,), (p.exp(x),))
    return plan_function(function, device.generator, device.threads)


def test_cubins_are_kept_on_disk_by_content_and_gpu(tmp_path, monkeypatch):
    with override(cache_dir=str(tmp_path)):
        assert [linked(), linked()] == [1, 0]
        monkeypatch.setattr(gpu_in_use, "_CALLERS", "of other sources")
        assert [linked(), linked()] == [1, 0]
        assert [linked("9.0"), linked("9.0")] == [1, 0]
    with override(cache_dir="none"):
        assert [linked(), linked()] == [1, 1]


def give_back():
    """Drops what nobody holds; a GPU takes it back when its next program begins."""
    gc.collect()
    tf.function(lambda x: x + 1.0)(1.0)


def test_memory_is_counted_and_given_back():
    function = tf.function(lambda x: tf.reduce_sum(tf.sort(x * tf.range(100_000.0))))
    with override(device="GPU_emulated"):
        give_back()
        before = tf.config.experimental.get_memory_info("GPU:0")["current"]
        function(2.0)
        during = tf.config.experimental.get_memory_info("GPU:0")
        assert during["current"] >= before + 400_000 and during["peak"] >= during["current"]
        del function
        give_back()
        tf.config.experimental.reset_memory_stats("GPU:0")
        assert tf.config.experimental.get_memory_info("GPU:0")["current"] < before + 400_000


def test_more_memory_than_the_gpu_has_is_refused():
    device = CudaDevice("small", lambda: EmulatedLibrary(memory=1 << 16), ir_image)
    with pytest.raises(tf.errors.ResourceExhaustedError, match="CUDA_ERROR_OUT_OF_MEMORY"):
        device.gpu.allocate(1 << 20)
    assert device.gpu.use.current == 0


def test_a_limit_is_kept():
    device = CudaDevice("limited", EmulatedLibrary, ir_image)
    device.gpu.use.limit = 1 << 16
    held = device.gpu.allocate(1 << 15)
    with pytest.raises(tf.errors.ResourceExhaustedError, match="limit of 65536"):
        device.gpu.allocate(1 << 16)
    assert held.size == 1 << 15


def test_the_gpu_is_listed():
    with override(device="GPU_emulated"):
        (gpu,) = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpu)
        assert tf.config.list_logical_devices("GPU")[0].name == "/device:GPU:0"
    assert details == {"device_name": "Emulated GPU", "compute_capability": (8, 0)}


def test_a_failing_call_names_the_function():
    device = CudaDevice("failing", EmulatedLibrary, ir_image)
    device.gpu.driver.library.fails["cuStreamSynchronize"] = 1
    with pytest.raises(
        tf.errors.InternalError, match="cuStreamSynchronize: CUDA_ERROR_INVALID_VALUE: invalid"
    ):
        device.gpu.wait()
